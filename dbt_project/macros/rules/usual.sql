{#- The number lies outside of the bounds, which usual_bounds() makes for `iqr`. -#}
{% macro rule_usual(rule) -%}
    {%- set column = 'staged.' ~ rule.column_name -%}
    {%- if rule.iqr -%}
    {%- set bounds = ref('int_rules__bounds') -%}
    {{ column }} < (select low from {{ bounds }} where rule_id = '{{ rule.rule_id }}')
    or {{ column }} > (select high from {{ bounds }} where rule_id = '{{ rule.rule_id }}')
    {%- else -%}
    {{ is_outside(rule, column) }}
    {%- endif -%}
{%- endmacro %}

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
        {%- do selects.append(
            fences(rule, records) if rule.iqr else declared_bounds(rule)
        ) -%}
    {%- endfor -%}
{%- endfor -%}
{{ selects | join('\nunion all\n') or no_bounds() }}
{%- endmacro %}

{% macro declared_bounds(rule) -%}
select
    '{{ rule.rule_id }}' as rule_id,
    cast({{ rule.bounds.low or 'null' }} as double) as low,
    cast({{ rule.bounds.high or 'null' }} as double) as high
{%- endmacro %}

{% macro no_bounds() -%}
select
    cast(null as {{ dbt.type_string() }}) as rule_id,
    cast(null as double) as low,
    cast(null as double) as high
where 1 = 0
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
