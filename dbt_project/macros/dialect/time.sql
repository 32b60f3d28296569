{#-
    Text as received to a timestamp in UTC; null where it is none.
    time_format: iso (offsets are applied, none means UTC), epoch_seconds,
    epoch_milliseconds, or a strptime pattern.
-#}
{% macro parse_time(column, time_format='iso') -%}
    {{ return(adapter.dispatch('parse_time')(column, time_format)) }}
{%- endmacro %}

{% macro default__parse_time(column, time_format) -%}
    {%- if time_format == 'epoch_seconds' -%}
        make_timestamp(cast(round(try_cast({{ column }} as decimal(18, 6)) * cast(1000000 as double)) as bigint))
    {%- elif time_format == 'epoch_milliseconds' -%}
        make_timestamp(cast(round(try_cast({{ column }} as decimal(18, 3)) * cast(1000 as double)) as bigint))
    {%- elif time_format == 'iso' -%}
        {#- A cast to timestamp would drop the offset without a word; where
            there is none but Z it is right, and four times as fast. -#}
        case
            when {{ column }} like '%Z' then try_cast({{ column }} as timestamp)
            else timezone('UTC', try_cast({{ column }} as timestamptz))
        end
    {%- else -%}
        cast(try_strptime({{ column }}, '{{ time_format | replace("'", "''") }}') as timestamp)
    {%- endif -%}
{%- endmacro %}

{% macro spark__parse_time(column, time_format) -%}
    {%- if time_format == 'epoch_seconds' -%}
        timestamp_micros(cast(try_cast({{ column }} as decimal(18, 6)) * 1000000 as bigint))
    {%- elif time_format == 'epoch_milliseconds' -%}
        timestamp_micros(cast(try_cast({{ column }} as decimal(18, 3)) * 1000 as bigint))
    {%- elif time_format == 'iso' -%}
        try_cast({{ column }} as timestamp)
    {%- else -%}
        {{ exceptions.raise_compiler_error("Spark has no strptime patterns: declare iso or an epoch") }}
    {%- endif -%}
{%- endmacro %}

{#-
    As parse_time, by the time format of an entity's source. Events of the stream
    are written in ISO, whatever format the shop's own source of events has.
-#}
{% macro parse_time_of(entity, column) -%}
    {%- set time_format = time_format_of(entity) -%}
    {%- if entity != 'events' or time_format == 'iso' -%}
        {{- parse_time(column, time_format) -}}
    {%- else -%}
        case
            when _batch_id in (
                select batch_id from {{ ref('stg_loads') }} where source = 'stream'
            )
                then {{ parse_time(column) }}
            else {{ parse_time(column, time_format) }}
        end
    {%- endif -%}
{%- endmacro %}

{#- Days since 1970-01-01 of a timestamp, a bigint. -#}
{% macro day_number(timestamp) -%}
    {{ return(adapter.dispatch('day_number')(timestamp)) }}
{%- endmacro %}

{% macro default__day_number(timestamp) -%}
    (cast({{ timestamp }} as date) - date '1970-01-01')
{%- endmacro %}

{% macro spark__day_number(timestamp) -%}
    cast(unix_date(cast({{ timestamp }} as date)) as bigint)
{%- endmacro %}

{#- The midnight, UTC, at which a day begins; the opposite of day_number. -#}
{% macro midnight(day_number) -%}
    {{ return(adapter.dispatch('midnight')(day_number)) }}
{%- endmacro %}

{% macro default__midnight(day_number) -%}
    cast(date '1970-01-01' + cast({{ day_number }} as integer) as timestamp)
{%- endmacro %}

{% macro spark__midnight(day_number) -%}
    cast(date_add(date '1970-01-01', cast({{ day_number }} as int)) as timestamp)
{%- endmacro %}
