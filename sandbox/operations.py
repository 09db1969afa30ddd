"""The routing table: every operation of the API that the sandbox has. To add one, write its function and a line here.

Literal paths stand before paths with parameters, because the first match wins.
"""

from sandbox.batch import push_to_aliases, push_to_registration_ids
from sandbox.calls import AppOperation, GroupOperation, Operation
from sandbox.group import create_group_push
from sandbox.push import create_push, validate_push, withdraw

OPERATIONS: tuple[Operation, ...] = (
    AppOperation("push", "POST", "/v4/push", create_push),
    AppOperation("validate", "POST", "/v4/push/validate", validate_push),
    AppOperation("withdraw", "DELETE", "/v4/push/withdraw/{msg_id}", withdraw),
    AppOperation("batch_regid", "POST", "/v4/batch/push/regid", push_to_registration_ids),
    AppOperation("batch_alias", "POST", "/v4/batch/push/alias", push_to_aliases),
    GroupOperation("grouppush", "POST", "/v4/grouppush", create_group_push),
)

NAMES = frozenset(operation.name for operation in OPERATIONS)
"""What a fault rule may name as its endpoint."""
