{#- The codes of the rules that a row breaks, joined by commas; null when it breaks none. -#}
{% macro reject_reasons(rules) -%}
    nullif(concat_ws(',',
        {%- for rule in rules %}
        {{ rule }}{{ "," if not loop.last }}
        {%- endfor %}
    ), '')
{%- endmacro %}

{% macro is_blank(column) -%}
    coalesce(trim({{ column }}), '') = ''
{%- endmacro %}

{% macro missing(column, received=none) -%}
    case when {{ is_blank(received or column) }} then 'missing_{{ column }}' end
{%- endmacro %}

{#- There is a value, and it cannot be cast to its type. -#}
{% macro invalid(column) -%}
    case
        when {{ column }} is null and not {{ is_blank('received_' ~ column) }}
            then 'invalid_{{ column }}'
    end
{%- endmacro %}

{% macro out_of_range(column, is_within) -%}
    case when not ({{ is_within }}) then 'out_of_range_{{ column }}' end
{%- endmacro %}

{#- There is a value, and it is none of the set. -#}
{% macro unknown(column, values) -%}
    case
        when {{ column }} not in ({{ values }}) and not {{ is_blank(column) }}
            then 'unknown_{{ column }}'
    end
{%- endmacro %}

{#- Later than its own load, or (something that happened) than the shop's declared as_of. -#}
{% macro in_the_future(column, is_fact=true) -%}
    case
        when
            {{ column }} > _loaded_at
            {%- if is_fact %}
            or {{ column }} > shop.declared_as_of
            {%- endif %}
            then 'future_{{ column }}'
    end
{%- endmacro %}

{% macro before_opening(column) -%}
    case when {{ column }} < shop.opened_at then 'before_opening_{{ column }}' end
{%- endmacro %}

{% macro after_closing(column) -%}
    case when {{ column }} > shop.closed_at then 'after_closing_{{ column }}' end
{%- endmacro %}
