{{ flags() }}
