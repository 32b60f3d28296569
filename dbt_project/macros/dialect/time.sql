{#-
    Text as received to a timestamp in UTC; null where it is none.

    time_format  iso, epoch_seconds, epoch_milliseconds, epoch_microseconds, or a
                 strptime pattern
    time_zone    the zone of times without an offset; UTC if it is none
-#}
{% macro parse_time(column, time_format='iso', time_zone=none) -%}
    {{ return(adapter.dispatch('parse_time')(column, time_format, time_zone)) }}
{%- endmacro %}

{#- The session's time zone must be UTC. -#}
{% macro spark__parse_time(column, time_format, time_zone) -%}
    {%- set epochs = {'epoch_seconds': 6, 'epoch_milliseconds': 3, 'epoch_microseconds': 0} -%}
    {%- if time_format in epochs -%}
        {%- set digits = epochs[time_format] -%}
        timestamp_micros(cast(try_cast({{ column }} as decimal(18, {{ digits }})) * {{ 10 ** digits }} as bigint))
    {%- elif time_format == 'iso' -%}
        {%- set local = "\\s*\\d{4}-\\d\\d?-\\d\\d?([ T]\\d\\d?:\\d\\d?(:\\d\\d?(\\.\\d*)?)?)?" -%}
        {%- set offset = " ?(Z|[-+]((0\\d|1[0-7])(:?[0-5]\\d)?|18(:?00)?))" -%}
        case
            when {{ column }} rlike r'^{{ local }}\s*$'
                then {{ spark_in_utc('try_cast(' ~ column ~ ' as timestamp)', time_zone) }}
            when {{ column }} rlike r'^{{ local ~ offset }}\s*$'
                then try_cast({{ column }} as timestamp)
        end
    {%- else -%}
        {{ exceptions.raise_compiler_error("Spark has no strptime patterns: declare iso or an epoch") }}
    {%- endif -%}
{%- endmacro %}

{#- Where the clock is put back, Spark takes the earlier time, as DuckDB's macro does. -#}
{% macro spark_in_utc(local, time_zone) -%}
    {{- return('to_utc_timestamp(' ~ local ~ ', ' ~ text_literal(time_zone) ~ ')' if time_zone else local) -}}
{%- endmacro %}

{#-
    As parse_time, by the time format and zone of an entity's source. Events of the
    stream are written in ISO, whatever format the shop's own source of events has.
-#}
{% macro parse_time_of(entity, column) -%}
    {%- set time_format = time_format_of(entity) -%}
    {%- set time_zone = time_zone_of(entity) -%}
    {%- if entity != 'events' or time_format == 'iso' -%}
        {{- parse_time(column, time_format, time_zone) -}}
    {%- else -%}
        case
            when _batch_id in (
                select batch_id from {{ ref('stg_loads') }} where source = 'stream'
            )
                then {{ parse_time(column) }}
            else {{ parse_time(column, time_format, time_zone) }}
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
