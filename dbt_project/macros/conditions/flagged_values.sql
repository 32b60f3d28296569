{#- One row per accepted value that a soft rule flags, as it was received. -#}
{#- Not called `flags`: that would hide dbt's own, which record_run reads. -#}
{% macro flagged_values() -%}
{%- set selects = [] -%}
{%- for entity in shop_entities() -%}
    {%- set records = accepted_records(entity) -%}
    {%- for rule in rules_of(entity) if rule.outcome == 'flagged' -%}
        {%- do selects.append(flagged_by(rule, records)) -%}
    {%- endfor -%}
{%- endfor -%}
{{ selects | join('\nunion all\n') or no_flags() }}
{%- endmacro %}

{% macro flagged_by(rule, records) -%}
select
    '{{ rule.entity }}' as entity,
    staged._batch_id,
    staged._record,
    '{{ rule.column_name }}' as column_name,
    '{{ rule.code }}' as code,
    staged.{{ as_received(rule.column_name, rule.data_type) }} as value
from {{ records }}
where set_aside._record is null and ({{ condition_of(rule) }})
{%- endmacro %}

{% macro no_flags() -%}
{%- set text = dbt.type_string() -%}
select
    cast(null as {{ text }}) as entity,
    cast(null as {{ text }}) as _batch_id,
    cast(null as bigint) as _record,
    cast(null as {{ text }}) as column_name,
    cast(null as {{ text }}) as code,
    cast(null as {{ text }}) as value
where 1 = 0
{%- endmacro %}
