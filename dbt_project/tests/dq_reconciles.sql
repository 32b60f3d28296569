-- Nothing is lost: both equations of the account hold for every loaded batch,
-- and every record of the ledger lies in the raw table, or (of a segment) its
-- like was there already, or the shop's `where` leaves it out.
select *
from {{ ref('dq_reconciliation') }}
where
    status = 'loaded'
    and (
        lines <> header + blank + continuation + rejected + records
        or records <> received + deduplicated_at_load + filtered_at_load
        or records
        <> accepted + quarantined + deduplicated + superseded + filtered
        + cancelled
        or lines is null
        or records is null
    )
