{#- The same set as recomart.events.EVENT_TYPES; a test holds them equal. -#}
{% macro event_types() -%}
    {{ return([
        'impression', 'view', 'click', 'favorite', 'add_to_cart',
        'remove_from_cart', 'purchase',
    ]) }}
{%- endmacro %}

{% macro quoted(texts) -%}
    {%- for text in texts -%}
        '{{ text }}'{{ ", " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
