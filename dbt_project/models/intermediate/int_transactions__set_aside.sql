{{ order_lines_set_aside() }}
