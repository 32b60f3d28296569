{#-
    The codes of the rules that a row of stg_<entity> breaks by itself, joined by
    commas in the rules' order; null when it breaks none. The row is `staged`,
    and `shop` has its declared_as_of. Rules that need a list are quarantine()'s.
-#}
{% macro reject_reasons(entity) -%}
    {%- set broken = [] -%}
    {%- for rule in rules_of(entity) if rule.outcome == 'quarantined' and not rule.names -%}
        {%- do broken.append(
            "case when " ~ condition_of(rule) ~ " then '" ~ rule.code ~ "' end"
        ) -%}
    {%- endfor -%}
    nullif(concat_ws(',',
        {%- for case in broken or ["''"] %}
        {{ case }}{{ "," if not loop.last }}
        {%- endfor %}
    ), '')
{%- endmacro %}
