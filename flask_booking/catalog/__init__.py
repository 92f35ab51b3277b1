"""What hosts set up: their page, event types, schedules and message rules.

Each function checks its input, writes in one transaction, and raises the versions that the cache of offers is keyed
by.  Who may call it for whom is checked before, by the screens.
"""

from .domains import check_domain, claim_domain, claim_of, remove_domain
from .event_types import (
    clone_event_type,
    count_bookings,
    create_event_type,
    delete_event_type,
    move_event_type,
    order_event_types,
    set_archived,
    set_event_type_active,
    set_hosts,
    still_sending,
    update_event_type,
)
from .hosts import ensure_host, host_of, move_to_zone, update_host, zone_of
from .pages import update_page
from .rules import delete_rule, save_rule
from .schedules import (
    add_override,
    block_time,
    check_blocked,
    create_schedule,
    delete_schedule,
    make_default,
    remove_override,
    restore_override,
    restore_schedule,
    unblock_time,
    update_schedule,
)

__all__ = [
    "add_override",
    "block_time",
    "check_blocked",
    "check_domain",
    "claim_domain",
    "claim_of",
    "clone_event_type",
    "count_bookings",
    "create_event_type",
    "create_schedule",
    "delete_event_type",
    "delete_rule",
    "delete_schedule",
    "ensure_host",
    "host_of",
    "make_default",
    "move_event_type",
    "move_to_zone",
    "order_event_types",
    "remove_domain",
    "remove_override",
    "restore_override",
    "restore_schedule",
    "save_rule",
    "set_archived",
    "set_event_type_active",
    "set_hosts",
    "still_sending",
    "unblock_time",
    "update_event_type",
    "update_host",
    "update_page",
    "update_schedule",
    "zone_of",
]
