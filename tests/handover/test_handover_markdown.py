from distill.handover.markdown import escaped, fenced, markdown_table, percentage


def test_a_line_shows_markup_and_html_as_it_reads():
    assert escaped("<script>x</script> & `code` *b* [a](b) | # ~") == (
        "&lt;script&gt;x&lt;/script&gt; &amp; \\`code\\` \\*b\\* \\[a\\]\\(b\\) \\| \\# \\~"
    )
    assert escaped("a\n---\nb\x1b[31m\tc") == "a --- b \\[31m c"


def test_no_line_of_a_text_closes_its_block():
    assert fenced("a\n```\n<b>\n````\nc") == "`````\na\n```\n<b>\n````\nc\n`````"
    assert fenced("x\x00y\tz", "python") == "```python\nx y\tz\n```"


def test_a_table_and_a_share():
    assert markdown_table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
    assert percentage(0.87667) == "87.7 %" and percentage(None) == "unknown"
