-- depends_on: {{ ref('int_rules__bounds') }}
{{ flagged_values() }}
