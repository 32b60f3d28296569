{#-
    The codes of the rules that a row of stg_<entity> breaks by itself, joined by
    commas in the rules' order; null when it breaks none. The row is `staged`,
    and `shop` has its declared_as_of and judged_at. Rules that need a list are quarantine()'s.
    To join the codes of a row costs more than all the conditions: of most rows,
    which break no rule, none are joined.
-#}
{% macro reject_reasons(entity) -%}
    {%- set broken = [] -%}
    {%- for rule in rules_of(entity) if rule.outcome == 'quarantined' and not rule.names -%}
        {%- do broken.append((condition_of(rule), rule.code)) -%}
    {%- endfor -%}
    case
        when
            {%- for condition, _ in broken or [('false', '')] %}
            {{ "or " if not loop.first }}({{ condition }})
            {%- endfor %}
            then concat_ws(',',
                {%- for condition, code in broken or [('false', '')] %}
                case when {{ condition }} then '{{ code }}' end{{ "," if not loop.last }}
                {%- endfor %}
            )
    end
{%- endmacro %}
