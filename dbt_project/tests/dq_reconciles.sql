-- Nothing is lost: both equations of the account hold for every loaded batch,
-- and every record of the ledger lies in the raw table.
select *
from {{ ref('dq_reconciliation') }}
where
    status = 'loaded'
    and (
        lines <> header + blank + continuation + rejected + records
        or records <> received
        or records <> accepted + quarantined + deduplicated + superseded
        or lines is null
        or records is null
    )
