{#-
    Of an entity's accepted records, as staging has them: how many break each rule
    that keeps or fills, in the column failed_<place of the rule>.
    Those are missing values, and ids that are on no list. One scan.
-#}
{% macro kept_failures(entity) -%}
select
    {%- for rule in kept_rules(entity) %}
    count(*) filter (where {{ condition_of(rule) }}) as failed_{{ rule.place }},
    {%- endfor %}
    count(*) as accepted
from {{ accepted_records(entity) }}
{%- for rule in kept_rules(entity) if rule.names %}
{{ join_list(rule) }}
{%- endfor %}
where set_aside._record is null
{%- endmacro %}

{#- The rules that kept_failures counts. -#}
{% macro kept_rules(entity) -%}
    {%- set rules = [] -%}
    {%- for rule in rules_of(entity) if rule.in_use and rule.outcome in ['kept', 'filled'] -%}
        {%- do rules.append(rule) -%}
    {%- endfor -%}
    {{- return(rules) -}}
{%- endmacro %}

{#-
    The list that a reference names, as received_<list>: whoever was received
    counts, quarantined or not, since a bad user does not condemn their ratings.
-#}
{% macro join_list(rule) -%}
left join (
    select distinct {{ rule.column_name }} from {{ ref('stg_' ~ rule.names) }}
) as received_{{ rule.names }}
    on staged.{{ rule.column_name }} = received_{{ rule.names }}.{{ rule.column_name }}
{%- endmacro %}
