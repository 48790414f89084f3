"""Reading rows: one file a data set over one base, tables of one's own, splits, duplicates, the data report."""
