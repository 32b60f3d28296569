{#-
    Accepted records without a value, by rule_id. Where a missing value is
    filled, or made from others, it is counted in staging, before that.
-#}
{% macro missing_values() -%}
{%- set selects = [] -%}
{%- set made = ['transactions.unit_price', 'transactions.line_total'] -%}
{%- for entity, accepted in shop_entities().items() -%}
    {%- set records = accepted_records(entity) -%}
    {%- set accepted = ref(accepted) -%}
    {%- for rule in rules_of(entity) if rule.kind == 'missing' and rule.in_use -%}
        {%- set name = entity ~ '.' ~ rule.column_name -%}
        {%- if rule.outcome == 'filled' or name in made -%}
            {%- set source = records -%}
            {%- set column = 'staged.' ~ rule.column_name -%}
            {%- set conditions = ['set_aside._record is null'] -%}
        {%- else -%}
            {%- set source = accepted -%}
            {%- set column = rule.column_name -%}
            {%- set conditions = [] -%}
        {%- endif -%}
        {%- if rule.data_type == 'text' -%}
            {%- do conditions.append(is_blank(column)) -%}
        {%- else -%}
            {%- do conditions.append(column ~ ' is null') -%}
        {%- endif -%}
        {%- do selects.append(
            "select '" ~ rule.rule_id ~ "' as rule_id, count(*) as failed from "
            ~ source ~ " where " ~ conditions | join(' and ')
        ) -%}
    {%- endfor -%}
{%- endfor -%}
{{ selects | join('\nunion all\n') or no_failures() }}
{%- endmacro %}

{#- Accepted records that name a user or product which was never received, by rule_id. -#}
{% macro unlisted_references() -%}
{%- set selects = [] -%}
{%- set lists = {'users': ref('stg_users'), 'products': ref('stg_products')} -%}
{%- for entity, accepted in shop_entities().items() -%}
    {%- set accepted = ref(accepted) -%}
    {%- for rule in rules_of(entity) if rule.kind == 'reference' and rule.outcome == 'kept' -%}
        {%- do selects.append(
            "select '" ~ rule.rule_id ~ "' as rule_id, count(*) as failed from "
            ~ accepted ~ " as accepted where accepted." ~ rule.column_name
            ~ " is not null and not exists (select 1 from "
            ~ lists[rule.names] ~ " as listed where listed." ~ rule.column_name
            ~ " = accepted." ~ rule.column_name ~ ")"
        ) -%}
    {%- endfor -%}
{%- endfor -%}
{{ selects | join('\nunion all\n') or no_failures() }}
{%- endmacro %}

{% macro no_failures() -%}
select
    cast(null as {{ dbt.type_string() }}) as rule_id,
    cast(null as bigint) as failed
where 1 = 0
{%- endmacro %}
