"""A local EngageLab: the push REST API over real HTTP, with quota, cid memory, a delivery log and scripted faults.

The API part imports nothing of the worker, the settings or the producers: it is an independent reading of the
vendor's documentation, so that a misunderstanding on one side shows up as a failing call. `README.md` in this folder
says which behaviour is documented and which is our assumption.
"""
