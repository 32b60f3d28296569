-- Write, audit, publish: where too many rows break a rule, or go to quarantine,
-- a format or the rule itself is wrong. The rows say which; nothing is
-- published until the data is fixed, or stop_above is raised.
select *
from {{ ref('dq_stops') }}
