{#-
    What the shop declares, as ingestion/dbt_declaration.py writes it:

    format        counts up with the keys below
    fingerprint   of all the rest
    rule_kinds    names of the kinds of rules that Python knows
    event_weights type of event -> how much it says for a product
    time_formats  entity -> its time format
    time_zones    entity -> the zone of its times without an offset; left out if there is none
    made_lists    list that is made from other records -> the entities that have these
                  records; left out without any
    cancellations what marks an order line that takes a purchase back, beyond what
                  ingestion has marked: negative_quantity, order_prefix; left out if the
                  shop declares no cancellations
    entities      entity -> its key and its columns, in order
    rules         the fields of recomart.rules.rule.Rule; unset ones are left out

    Ingest and transform write it into the lake, whose folder of macros
    dbt_project.yml names. Without a lake it is a shop that says nothing.
-#}
{% macro declaration() -%}
    {%- set found = shop_declared() if shop_declared is defined else shop_defaults() -%}
    {%- if found.format != 2 -%}
        {{- exceptions.raise_compiler_error(
            'dbt_macros/shop_declared.sql in the lake is of another version; run '
            ~ '"recomart transform" once, which writes it'
        ) -}}
    {%- endif -%}
    {{- return(found) -}}
{%- endmacro %}

{#- The columns of an entity, in order: name, type, and what else is declared of each. -#}
{% macro entity_columns(entity) -%}
    {{- return(declaration().entities[entity].columns) -}}
{%- endmacro %}

{#- The columns that identify a record of an entity. -#}
{% macro entity_key(entity) -%}
    {{- return(declaration().entities[entity].key) -}}
{%- endmacro %}

{#- How an entity's source writes its times. -#}
{% macro time_format_of(entity) -%}
    {{- return(declaration().time_formats.get(entity, 'iso')) -}}
{%- endmacro %}

{#-
    The entities whose records give the entries of a list; none for a list of its own.
-#}
{% macro givers_of(entity) -%}
    {{- return(declaration().get('made_lists', {}).get(entity, [])) -}}
{%- endmacro %}

{#- What marks a cancellation; none if the shop declares none, or for another entity. -#}
{% macro cancellations_of(entity) -%}
    {{- return(
        declaration().get('cancellations') if entity == 'transactions' else none
    ) -}}
{%- endmacro %}

{#- The zone of an entity's times without an offset; none for UTC. -#}
{% macro time_zone_of(entity) -%}
    {{- return(declaration().get('time_zones', {}).get(entity)) -}}
{%- endmacro %}

{#- The rules of an entity in their order, which is that of a row's reasons. -#}
{% macro rules_of(entity) -%}
    {{- return(
        declaration().rules | selectattr('entity', 'equalto', entity)
        | sort(attribute='place') | list
    ) -}}
{%- endmacro %}

{#- The entities; the value of each is the model of its accepted records. -#}
{% macro shop_entities() -%}
    {{- return({
        'users': 'int_users__accepted',
        'products': 'int_products__accepted',
        'ratings': 'fct_ratings',
        'transactions': 'fct_transactions',
        'events': 'fct_events',
    }) -}}
{%- endmacro %}
