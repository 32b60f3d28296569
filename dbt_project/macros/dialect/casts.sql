{#-
    How texts become values on DuckDB. Written by recomart/casts.py, which says why they
    are read like this; do not edit.
-#}
{% macro default__parse_time(column, time_format, time_zone) -%}
    {%- if time_format == 'iso' and time_zone -%}
        coalesce(
            case
                when {{ column }} like '%Z' or {{ column }} like '% UTC'
                    then try_cast({{ column }} as timestamp)
            end,
            case
                when regexp_full_match({{ column }}, '\d{4}[-/]\d\d?[-/]\d\d?[ T]\d\d?:\d\d?:\d\d?(\.\d*)?[-+]((0\d|1[0-7])(:?[0-5]\d)?|18(:?00)?)')
                    then make_timestamp(epoch_us(try_cast({{ column }} as timestamptz)))
            end,
            case
                when timezone({{ text_literal(time_zone) }}, timezone('UTC', make_timestamp(epoch_us(timezone({{ text_literal(time_zone) }}, case
                when regexp_full_match({{ column }}, '\d{4}[-/]\d\d?[-/]\d\d?([ T]\d\d?:\d\d?(:\d\d?(\.\d*)?)?)?')
                    then try_cast({{ column }} as timestamp)
                when regexp_full_match({{ column }}, '\s*(\d{4}[-/]\d\d?[-/]\d\d?([ T]\d\d?:\d\d?(:\d\d?([.,]\d*)?)?)?|\d{8}(T\d{6})?)\s*')
                    then coalesce(try_cast(replace(regexp_replace({{ column }}, '^\s+|\s+$', '', 'g'), ',', '.') as timestamp), try_strptime(regexp_replace({{ column }}, '^\s+|\s+$', '', 'g'), ['%Y%m%d', '%Y%m%dT%H%M%S']))
            end - interval 1 day))) + interval 1 day)) = case
                when regexp_full_match({{ column }}, '\d{4}[-/]\d\d?[-/]\d\d?([ T]\d\d?:\d\d?(:\d\d?(\.\d*)?)?)?')
                    then try_cast({{ column }} as timestamp)
                when regexp_full_match({{ column }}, '\s*(\d{4}[-/]\d\d?[-/]\d\d?([ T]\d\d?:\d\d?(:\d\d?([.,]\d*)?)?)?|\d{8}(T\d{6})?)\s*')
                    then coalesce(try_cast(replace(regexp_replace({{ column }}, '^\s+|\s+$', '', 'g'), ',', '.') as timestamp), try_strptime(regexp_replace({{ column }}, '^\s+|\s+$', '', 'g'), ['%Y%m%d', '%Y%m%dT%H%M%S']))
            end
                    then make_timestamp(epoch_us(timezone({{ text_literal(time_zone) }}, case
                when regexp_full_match({{ column }}, '\d{4}[-/]\d\d?[-/]\d\d?([ T]\d\d?:\d\d?(:\d\d?(\.\d*)?)?)?')
                    then try_cast({{ column }} as timestamp)
                when regexp_full_match({{ column }}, '\s*(\d{4}[-/]\d\d?[-/]\d\d?([ T]\d\d?:\d\d?(:\d\d?([.,]\d*)?)?)?|\d{8}(T\d{6})?)\s*')
                    then coalesce(try_cast(replace(regexp_replace({{ column }}, '^\s+|\s+$', '', 'g'), ',', '.') as timestamp), try_strptime(regexp_replace({{ column }}, '^\s+|\s+$', '', 'g'), ['%Y%m%d', '%Y%m%dT%H%M%S']))
            end - interval 1 day))) + interval 1 day
                else make_timestamp(epoch_us(timezone({{ text_literal(time_zone) }}, case
                when regexp_full_match({{ column }}, '\d{4}[-/]\d\d?[-/]\d\d?([ T]\d\d?:\d\d?(:\d\d?(\.\d*)?)?)?')
                    then try_cast({{ column }} as timestamp)
                when regexp_full_match({{ column }}, '\s*(\d{4}[-/]\d\d?[-/]\d\d?([ T]\d\d?:\d\d?(:\d\d?([.,]\d*)?)?)?|\d{8}(T\d{6})?)\s*')
                    then coalesce(try_cast(replace(regexp_replace({{ column }}, '^\s+|\s+$', '', 'g'), ',', '.') as timestamp), try_strptime(regexp_replace({{ column }}, '^\s+|\s+$', '', 'g'), ['%Y%m%d', '%Y%m%dT%H%M%S']))
            end)))
            end,
            case
                when regexp_full_match({{ column }}, '\s*(\d{4}[-/]\d\d?[-/]\d\d?[ T]\d\d?:\d\d?(:\d\d?([.,]\d*)?)?|\d{8}T\d{6}) ?(Z|z|UTC|GMT|[-+−]((0\d|1[0-7])(:?[0-5]\d)?|18(:?00)?))\s*')
                    then make_timestamp(epoch_us(try_cast((cast(coalesce(try_cast(replace(regexp_replace(regexp_replace({{ column }}, '^(.*)(Z|z|UTC|GMT|[-+−]((0\d|1[0-7])(:?[0-5]\d)?|18(:?00)?))(\D.*|)$', '\1\7'), '^\s+|\s+$', '', 'g'), ',', '.') as timestamp), try_strptime(regexp_replace(regexp_replace({{ column }}, '^(.*)(Z|z|UTC|GMT|[-+−]((0\d|1[0-7])(:?[0-5]\d)?|18(:?00)?))(\D.*|)$', '\1\7'), '^\s+|\s+$', '', 'g'), ['%Y%m%d', '%Y%m%dT%H%M%S'])) as varchar) || replace(regexp_replace(nullif(regexp_extract({{ column }}, '^(.*)(Z|z|UTC|GMT|[-+−]((0\d|1[0-7])(:?[0-5]\d)?|18(:?00)?))(\D.*|)$', 2), ''), '[A-Za-z]+', '+00'), '−', '-')) as timestamptz)))
            end
        )
    {%- elif time_format == 'iso' -%}
        coalesce(
            case
                when {{ column }} like '%Z' or {{ column }} like '% UTC'
                    then try_cast({{ column }} as timestamp)
            end,
            case
                when regexp_full_match({{ column }}, '\d{4}[-/]\d\d?[-/]\d\d?[ T]\d\d?:\d\d?:\d\d?(\.\d*)?[-+]((0\d|1[0-7])(:?[0-5]\d)?|18(:?00)?)')
                    then make_timestamp(epoch_us(try_cast({{ column }} as timestamptz)))
            end,
            case
                when regexp_full_match({{ column }}, '\d{4}[-/]\d\d?[-/]\d\d?([ T]\d\d?:\d\d?(:\d\d?(\.\d*)?)?)?')
                    then try_cast({{ column }} as timestamp)
                when regexp_full_match({{ column }}, '\s*(\d{4}[-/]\d\d?[-/]\d\d?([ T]\d\d?:\d\d?(:\d\d?([.,]\d*)?)?)?|\d{8}(T\d{6})?)\s*')
                    then coalesce(try_cast(replace(regexp_replace({{ column }}, '^\s+|\s+$', '', 'g'), ',', '.') as timestamp), try_strptime(regexp_replace({{ column }}, '^\s+|\s+$', '', 'g'), ['%Y%m%d', '%Y%m%dT%H%M%S']))
            end,
            case
                when regexp_full_match({{ column }}, '\s*(\d{4}[-/]\d\d?[-/]\d\d?[ T]\d\d?:\d\d?(:\d\d?([.,]\d*)?)?|\d{8}T\d{6}) ?(Z|z|UTC|GMT|[-+−]((0\d|1[0-7])(:?[0-5]\d)?|18(:?00)?))\s*')
                    then make_timestamp(epoch_us(try_cast((cast(coalesce(try_cast(replace(regexp_replace(regexp_replace({{ column }}, '^(.*)(Z|z|UTC|GMT|[-+−]((0\d|1[0-7])(:?[0-5]\d)?|18(:?00)?))(\D.*|)$', '\1\7'), '^\s+|\s+$', '', 'g'), ',', '.') as timestamp), try_strptime(regexp_replace(regexp_replace({{ column }}, '^(.*)(Z|z|UTC|GMT|[-+−]((0\d|1[0-7])(:?[0-5]\d)?|18(:?00)?))(\D.*|)$', '\1\7'), '^\s+|\s+$', '', 'g'), ['%Y%m%d', '%Y%m%dT%H%M%S'])) as varchar) || replace(regexp_replace(nullif(regexp_extract({{ column }}, '^(.*)(Z|z|UTC|GMT|[-+−]((0\d|1[0-7])(:?[0-5]\d)?|18(:?00)?))(\D.*|)$', 2), ''), '[A-Za-z]+', '+00'), '−', '-')) as timestamptz)))
            end
        )
    {%- elif time_format == 'epoch_seconds' -%}
        nullif(nullif(least(greatest(make_timestamp(cast(round(try_cast(case when not contains({{ column }}, '_') then {{ column }} end as decimal(18, 6)) * cast(1e6 as double)) as bigint)), timestamp '1000-01-01'), timestamp '10000-01-01'), timestamp '1000-01-01'), timestamp '10000-01-01')
    {%- elif time_format == 'epoch_milliseconds' -%}
        nullif(nullif(least(greatest(make_timestamp(cast(round(try_cast(case when not contains({{ column }}, '_') then {{ column }} end as decimal(18, 3)) * cast(1e3 as double)) as bigint)), timestamp '1000-01-01'), timestamp '10000-01-01'), timestamp '1000-01-01'), timestamp '10000-01-01')
    {%- elif time_format == 'epoch_microseconds' -%}
        nullif(nullif(least(greatest(make_timestamp(cast(round(try_cast(case when not contains({{ column }}, '_') then {{ column }} end as decimal(18, 0)) * cast(1e0 as double)) as bigint)), timestamp '1000-01-01'), timestamp '10000-01-01'), timestamp '1000-01-01'), timestamp '10000-01-01')
    {%- elif '%z' in time_format -%}
        make_timestamp(epoch_us(try_cast((cast(nullif(nullif(least(greatest(nullif(try_strptime(regexp_replace({{ column }}, '^(.*)(Z|z|UTC|GMT|[-+−]((0\d|1[0-7])(:?[0-5]\d)?|18(:?00)?))(\D.*|)$', '\1\7'), {{ text_literal(time_format | replace('%z', '')) }}), timestamp '1900-01-01'), timestamp '1000-01-01'), timestamp '10000-01-01'), timestamp '1000-01-01'), timestamp '10000-01-01') as varchar) || replace(regexp_replace(nullif(regexp_extract({{ column }}, '^(.*)(Z|z|UTC|GMT|[-+−]((0\d|1[0-7])(:?[0-5]\d)?|18(:?00)?))(\D.*|)$', 2), ''), '[A-Za-z]+', '+00'), '−', '-')) as timestamptz)))
    {%- elif time_zone -%}
        nullif(nullif(least(greatest(case
                when timezone({{ text_literal(time_zone) }}, timezone('UTC', make_timestamp(epoch_us(timezone({{ text_literal(time_zone) }}, nullif(try_strptime({{ column }}, {{ text_literal(time_format) }}), timestamp '1900-01-01') - interval 1 day))) + interval 1 day)) = nullif(try_strptime({{ column }}, {{ text_literal(time_format) }}), timestamp '1900-01-01')
                    then make_timestamp(epoch_us(timezone({{ text_literal(time_zone) }}, nullif(try_strptime({{ column }}, {{ text_literal(time_format) }}), timestamp '1900-01-01') - interval 1 day))) + interval 1 day
                else make_timestamp(epoch_us(timezone({{ text_literal(time_zone) }}, nullif(try_strptime({{ column }}, {{ text_literal(time_format) }}), timestamp '1900-01-01'))))
            end, timestamp '1000-01-01'), timestamp '10000-01-01'), timestamp '1000-01-01'), timestamp '10000-01-01')
    {%- else -%}
        nullif(nullif(least(greatest(nullif(try_strptime({{ column }}, {{ text_literal(time_format) }}), timestamp '1900-01-01'), timestamp '1000-01-01'), timestamp '10000-01-01'), timestamp '1000-01-01'), timestamp '10000-01-01')
    {%- endif -%}
{%- endmacro %}

{% macro default__parse_number(column) -%}
    case
            when strlen({{ column }}) > 2 and (contains({{ column }}, '_') or contains({{ column }}, 'e') or contains({{ column }}, 'E'))
                then try_cast(try_cast(case when not contains({{ column }}, '_') then {{ column }} end as decimal(38,18)) as decimal(18,4))
            else try_cast({{ column }} as decimal(18,4))
        end
{%- endmacro %}

{% macro default__parse_exact_number(column) -%}
    try_cast(case when not contains({{ column }}, '_') then {{ column }} end as decimal(38,18))
{%- endmacro %}

{% macro default__parse_integer(column) -%}
    case when regexp_full_match({{ column }}, '\s*[-+]?\d+(\.0*)?\s*') then try_cast({{ column }} as integer) end
{%- endmacro %}

{% macro default__parse_boolean(column) -%}
    try_cast({{ column }} as boolean)
{%- endmacro %}
