{#-
    The history of windowed counts, one row per key and day on which a value
    changes: what happened on day d enters every window at the midnight of
    d + 1, and leaves a window of w days at the midnight of d + 1 + w. The sums
    of what entered and left so far are the windows' values, exact for integers
    and decimals.

    daily     relation: one row per key and active day, with day_number
    anchors   relation: key and day_number of rows that must exist as well
    keys      columns of the key
    windowed  column of daily -> windows in days; gives <column>_<w>d
    lifetime  columns summed over all days before
    latest    columns of which the newest value before counts
    until     the last day_number, a scalar query

    Columns: keys, day_number, <column>_<w>d ..., lifetime ..., latest ...
-#}
{% macro feature_history(
    daily, keys, windowed, until, anchors=none, lifetime=[], latest=[]
) -%}
{%- set sums = [] -%}
{%- set windows = [] -%}
{%- for column, days in windowed.items() -%}
    {%- for w in days -%}
        {%- do sums.append(column ~ '_' ~ w ~ 'd') -%}
        {%- if w not in windows -%}{%- do windows.append(w) -%}{%- endif -%}
    {%- endfor -%}
{%- endfor -%}
{%- set sums = sums + lifetime -%}
select
    {{ keys | join(', ') }},
    day_number
    {%- for column in sums %},
    sum({{ column }}) over until_then as {{ column }}
    {%- endfor %}
    {%- for column in latest %},
    max({{ column }}) over until_then as {{ column }}
    {%- endfor %}
from (
    select
        {{ keys | join(', ') }},
        day_number
        {%- for column in sums %},
        sum({{ column }}) as {{ column }}
        {%- endfor %}
        {%- for column in latest %},
        max({{ column }}) as {{ column }}
        {%- endfor %}
    from (
        select
            {{ keys | join(', ') }},
            day_number + 1 as day_number
            {%- for column, days in windowed.items() %}{% for w in days %},
            {{ column }} as {{ column }}_{{ w }}d
            {%- endfor %}{% endfor %}
            {%- for column in lifetime + latest %},
            {{ column }}
            {%- endfor %}
        from {{ daily }}
        {%- for window in windows %}
        {%- set leaving = [] %}
        union all
        select
            {{ keys | join(', ') }},
            day_number + {{ window + 1 }} as day_number
            {%- for column, days in windowed.items() %}{% for w in days %},
            {%- if w == window %}{% do leaving.append(column ~ ' <> 0') %}
            -{{ column }} as {{ column }}_{{ w }}d
            {%- else %}
            0 as {{ column }}_{{ w }}d
            {%- endif %}
            {%- endfor %}{% endfor %}
            {%- for column in lifetime %},
            0 as {{ column }}
            {%- endfor %}
            {%- for column in latest %},
            null as {{ column }}
            {%- endfor %}
        from {{ daily }}
        where {{ leaving | join(' or ') }}
        {%- endfor %}
        {%- if anchors %}
        union all
        select
            {{ keys | join(', ') }},
            day_number
            {%- for column in sums %},
            0 as {{ column }}
            {%- endfor %}
            {%- for column in latest %},
            null as {{ column }}
            {%- endfor %}
        from {{ anchors }}
        {%- endif %}
    ) as entering_and_leaving
    where day_number <= ({{ until }})
    group by {{ keys | join(', ') }}, day_number
) as changes
window until_then as (
    partition by {{ keys | join(', ') }}
    order by day_number
    rows between unbounded preceding and current row
)
{%- endmacro %}
