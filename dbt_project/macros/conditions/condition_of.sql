{#-
    The SQL condition under which a row breaks a rule: what the macro
    rule_<kind>(rule) of macros/rules/<kind>.sql renders. `staged` is the row.
-#}
{% macro condition_of(rule) -%}
    {%- set macro = context.get('rule_' ~ rule.kind) -%}
    {%- if not macro -%}
        {%- do refuse_kind(rule.kind) -%}
    {%- endif -%}
    {{- return(macro(rule) | trim) -}}
{%- endmacro %}

{#- The kinds of rules that have a macro rule_<kind>. -#}
{% macro registered_rule_macros() -%}
    {%- set names = [] -%}
    {%- for name in context.keys() | sort if name.startswith('rule_') -%}
        {%- do names.append(name[5:]) -%}
    {%- endfor -%}
    {{- return(names) -}}
{%- endmacro %}

{#- The error for a kind of rule that has no macro. -#}
{% macro refuse_kind(kind) -%}
    {{- exceptions.raise_compiler_error(
        'the rule kind "' ~ kind ~ '" has no macro: write dbt_project/macros/rules/' ~ kind
        ~ '.sql with the macro rule_' ~ kind ~ '(rule). Registered: '
        ~ registered_rule_macros() | join(', ')
    ) -}}
{%- endmacro %}
