from tests.lanes_fixture import *
import time
def test_x(bench):
    bench.send(500)
    t=time.time(); 
    l=bench.leased(); print(time.time()-t, len(l.entries))
    t=time.time(); assert bench.settle(l); print(time.time()-t)
    bench.books()
