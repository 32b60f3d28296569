{#-
    The bounds of each `usual` rule. Those of iqr: k lie k interquartile ranges
    below the first and above the third quartile of the accepted values (Tukey,
    Exploratory Data Analysis, 1977, section 2D). Where half of the values are
    equal that range is 0 and measures nothing: then there are no bounds, and
    nothing is flagged.
-#}
{% macro usual_bounds() -%}
{%- set selects = [] -%}
{%- for entity in shop_entities() -%}
    {%- set records = accepted_records(entity) -%}
    {%- for rule in rules_of(entity) if rule.kind == 'usual' -%}
        {%- if rule.iqr is not none -%}
            {%- do selects.append(fences(rule, records)) -%}
        {%- else -%}
            {%- do selects.append(declared_bounds(rule)) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endfor -%}
{%- if not selects -%}
    {%- do selects.append(
        "select cast(null as " ~ dbt.type_string() ~ ") as rule_id, "
        ~ "cast(null as double) as low, cast(null as double) as high where 1 = 0"
    ) -%}
{%- endif -%}
{{ selects | join('\nunion all\n') }}
{%- endmacro %}

{% macro declared_bounds(rule) -%}
select
    '{{ rule.rule_id }}' as rule_id,
    cast({{ rule.bounds.low or 'null' }} as double) as low,
    cast({{ rule.bounds.high or 'null' }} as double) as high
{%- endmacro %}

{% macro fences(rule, records) -%}
select
    '{{ rule.rule_id }}' as rule_id,
    case
        when third_quartile > first_quartile
            then round(
                first_quartile
                - {{ rule.iqr }} * (third_quartile - first_quartile), 6
            )
    end as low,
    case
        when third_quartile > first_quartile
            then round(
                third_quartile
                + {{ rule.iqr }} * (third_quartile - first_quartile), 6
            )
    end as high
from (
    select
        percentile_cont(0.25) within group (order by value) as first_quartile,
        percentile_cont(0.75) within group (order by value) as third_quartile
    from (
        select cast(staged.{{ rule.column_name }} as double) as value
        from {{ records }}
        where set_aside._record is null and staged.{{ rule.column_name }} is not null
    ) as accepted
) as quartiles
{%- endmacro %}

{#- One row per accepted value that a soft rule flags, as it was received. -#}
{#- Not called `flags`: that would hide dbt's own, which record_run reads. -#}
{% macro flagged_values() -%}
{%- set selects = [] -%}
{%- set bounds = ref('int_rules__bounds') -%}
{%- for entity in shop_entities() -%}
    {%- set records = accepted_records(entity) -%}
    {%- for rule in rules_of(entity) if rule.outcome == 'flagged' -%}
        {%- if rule.kind == 'rare' -%}
            {%- do selects.append(rare_values(rule, records)) -%}
        {%- else -%}
            {%- do selects.append(unusual_values(rule, records, bounds)) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endfor -%}
{%- if not selects -%}
    {%- do selects.append(no_flags()) -%}
{%- endif -%}
{{ selects | join('\nunion all\n') }}
{%- endmacro %}

{% macro flagged(rule) -%}
    '{{ rule.entity }}' as entity,
    staged._batch_id,
    staged._record,
    '{{ rule.column_name }}' as column_name,
    '{{ rule.code }}' as code,
    staged.{{ as_received(rule) }} as value
{%- endmacro %}

{% macro unusual_values(rule, records, bounds) -%}
{%- set column = 'staged.' ~ rule.column_name -%}
select
    {{ flagged(rule) }}
from {{ records }}
{%- if rule.iqr is not none %}
cross join {{ bounds }} as bounds
where
    bounds.rule_id = '{{ rule.rule_id }}'
    and ({{ column }} < bounds.low or {{ column }} > bounds.high)
{%- else %}
where
    {{ is_outside(rule, column) }}
{%- endif %}
    and set_aside._record is null
{%- endmacro %}

{% macro rare_values(rule, records) -%}
select
    {{ flagged(rule) }}
from {{ records }}
inner join (
    select staged.{{ rule.column_name }} as value
    from {{ records }}
    where
        set_aside._record is null
        and not {{ is_blank('staged.' ~ rule.column_name) }}
    group by staged.{{ rule.column_name }}
    having count(*) < {{ rule.rare_below }}
) as rare on staged.{{ rule.column_name }} = rare.value
where set_aside._record is null
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
