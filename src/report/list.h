/* The forms a report can take: REPORT(NAME) is report_NAME in r_NAME.c. */
REPORT(terminal)
REPORT(csv)
REPORT(json)
REPORT(md)
REPORT(html)
REPORT(sql)
REPORT(tex)
