"""Forms of queries, valid and not, over an index with a field of each type: what a real Elasticsearch says of each is
held against what `check` says offline (tests/integration/test_semantics.py)."""

INDEX = "logs-forms-test"
MAPPING = {
    "@timestamp": "date",
    "user.name": "keyword",
    "message": "text",
    "size": "long",
    "small": "integer",
    "ratio": "double",
    "source.ip": "ip",
    "event.start": "date",
    "up": "boolean",
    "agent.version": "version",
    "event.action": "keyword",
}
DOCUMENT = {
    "@timestamp": "2026-01-31T12:00:00Z",
    "user": {"name": "alice"},
    "message": "a b",
    "size": 1,
    "small": 1,
    "ratio": 0.5,
    "source": {"ip": "10.0.0.1"},
    "event": {"start": "2026-01-31T11:00:00Z", "action": "x"},
    "up": True,
    "agent": {"version": "1.2.3"},
}

COLUMNS = ["user.name", "message", "size", "ratio", "source.ip", "event.start", "up", "agent.version"]
CONSTANTS = ['"x"', "5", "1.5", "true", '"10.0.0.1"', '"2026-01-31"', '"1.2.3"', "null", "NOW()"]

COMPARED = [f"WHERE {column} == {constant}" for column in COLUMNS for constant in CONSTANTS]
ORDERED = [f"WHERE {column} > {constant}" for column in COLUMNS for constant in ('"x"', "5", "true", '"10.0.0.1"')]
LISTED = [
    f"WHERE {column} IN ({constant}, {constant})" for column in COLUMNS for constant in ('"x"', "5", '"10.0.0.1"')
]
PAIRED = [
    f"WHERE {left} == {right}" for left in COLUMNS for right in ("event.action", "small", "source.ip", "@timestamp")
]
MATCHED = [f'WHERE {column} {word} "a.*"' for column in COLUMNS for word in ("LIKE", "RLIKE", "NOT LIKE")]
CALLED = [
    f"EVAL z = {call.replace('#', column)}"
    for column in COLUMNS
    for call in (
        "TO_LOWER(#)",
        "LENGTH(#)",
        'CIDR_MATCH(#, "10.0.0.0/8")',
        'STARTS_WITH(#, "a")',
        'CONCAT(#, "a")',
        "ABS(#)",
        "DATE_TRUNC(1 hour, #)",
        'DATE_DIFF("hour", #, NOW())',
        'COALESCE(#, "")',
        "COALESCE(#, 0)",
        'CASE(#, "a", "b")',
        'CASE(up, #, "b")',
        "TO_STRING(#)",
        "TO_IP(#)",
        "TO_LONG(#)",
        "TO_DOUBLE(#)",
        "TO_DATETIME(#)",
        "TO_VERSION(#)",
        "TO_BOOLEAN(#)",
        "MV_COUNT(#)",
        "MV_FIRST(#)",
        'MV_CONCAT(#, ",")',
        "GREATEST(#, #)",
        'SPLIT(#, ",")',
        'REPLACE(#, "a", "b")',
        "SUBSTRING(#, 1, 2)",
        'DATE_FORMAT("yyyy", #)',
        'DATE_PARSE("yyyy", #)',
        'DATE_EXTRACT("year", #)',
        "ROUND(#, 1)",
        "# + 1",
        "# + 1 day",
        "# - event.start",
        "NOT #",
        "-#",
    )
]
COUNTED = [
    f"STATS z = {call.replace('#', column)} BY event.action"
    for column in COLUMNS
    for call in (
        "COUNT(#)", "COUNT_DISTINCT(#)", "SUM(#)", "AVG(#)", "MAX(#)", "MIN(#)", "VALUES(#)", "MEDIAN(#)",
        "PERCENTILE(#, 95)", 'TOP(#, 3, "desc")', "STD_DEV(#)",
    )
]  # fmt: skip

SCOPES = """
KEEP user.name | WHERE event.action == "x"
KEEP user.name, event.* | WHERE event.action == "x"
KEEP user.* | KEEP zz*
KEEP user.name | KEEP *
KEEP user.name | DROP size
DROP user.name | WHERE user.name == "x"
DROP user.* | WHERE user.name == "x"
DROP user.name | KEEP size
RENAME user.name AS who | WHERE user.name == "x"
RENAME user.name AS who | WHERE who == "x"
RENAME user.name AS who, who AS whom | WHERE whom == "x"
KEEP size | RENAME user.name AS who
STATS c = COUNT(*) BY user.name | WHERE source.ip == "10.0.0.1"
STATS c = COUNT(*) BY user.name | WHERE user.name == "x" AND c > 1
STATS c = COUNT(*) BY user.name | WHERE user_name == "x"
STATS COUNT(*) BY user.name | WHERE `COUNT(*)` > 1
STATS COUNT(*) BY user.name | WHERE COUNT(*) > 1
STATS count(*), max(size) BY user.name | SORT `max(size)` | KEEP `count(*)`, user.name
STATS c = COUNT(*) BY DATE_TRUNC(1 hour, @timestamp) | SORT `DATE_TRUNC(1 hour, @timestamp)`
STATS c = COUNT(*) BY b = DATE_TRUNC(1 hour, @timestamp) | SORT b
STATS c = COUNT(*) BY b = BUCKET(@timestamp, 1 hour) | SORT b | WHERE b > NOW() - 1 day
STATS c = COUNT(*) BY user.name | STATS d = SUM(c) | WHERE c > 1
STATS c = COUNT(*) BY user.name | STATS d = SUM(c) | WHERE d > 1
STATS c = COUNT(*) BY user.name | EVAL e = c * 2 | KEEP e | SORT c
STATS c = COUNT(*) BY user.name | EVAL c = TO_STRING(c) | WHERE c > 5
STATS c = COUNT(*) BY user.name | EVAL c = TO_STRING(c) | WHERE c == "5"
STATS c = COUNT(*), s = SUM(size) | EVAL r = s / c | WHERE r > 0.5
STATS c = COUNT(*) WHERE up BY user.name | WHERE c > 1
STATS c = COUNT(*) WHERE size > 5, d = COUNT(*) WHERE size < 5 BY user.name | WHERE c > d
STATS c = COUNT(*) WHERE size BY user.name
STATS c = COUNT(*) WHERE user.name LIKE "a*" BY user.name
STATS c = COUNT(*) WHERE COUNT(*) > 1 BY user.name
STATS c = SUM(COUNT(*)) BY user.name
STATS c = user.name BY event.action
STATS c = user.name BY user.name
STATS c = COUNT(*) + size BY user.name
STATS c = COUNT(*) + 1 BY user.name
STATS c = ROUND(AVG(ratio), 2) BY user.name
STATS c = MAX(ABS(size)) BY user.name
STATS c = COUNT(*) BY COUNT(*)
STATS BY user.name
STATS c = COUNT(*) BY u = TO_LOWER(user.name) | WHERE u == "x"
STATS c = COUNT(*) BY u = TO_LOWER(user.name) | WHERE user.name == "x"
STATS c = COUNT(user.nme) BY user.name
STATS c = COUNT(*) BY _index
STATS v = VALUES(user.name) BY source.ip | WHERE MV_COUNT(v) > 1
STATS v = VALUES(user.name) BY source.ip | WHERE v == "x"
STATS first_seen = MIN(@timestamp) BY user.name | WHERE first_seen > NOW() - 1 day
STATS first_seen = MIN(@timestamp) BY user.name | EVAL m = DATE_DIFF("minute", first_seen, NOW()) | WHERE m <= 6
STATS first_seen = MIN(@timestamp) BY user.name | WHERE first_seen > 5
WHERE COUNT(*) > 4
WHERE MAX(size) > 4
EVAL b = BUCKET(@timestamp, 5 minutes) | STATS c = COUNT(*) BY b
EVAL c = COUNT(*)
WHERE BUCKET(@timestamp, 1 hour) > NOW()
SORT COUNT(*)
EVAL a = 1, b = a + 1 | WHERE b == 2
EVAL a = b, b = 1
EVAL user.name = 5 | WHERE user.name > 4
EVAL user.name = 5 | WHERE user.name == "x"
EVAL a = TO_LOWER(user.name) | KEEP b
WHERE _index == "x"
WHERE _id IS NOT NULL
SORT size DESC | LIMIT 5
MV_EXPAND user.name | WHERE user.name == "x"
KEEP size | MV_EXPAND user.name
DISSECT message "%{a} %{b}" | WHERE a == "x"
DISSECT message "%{a} %{b}" | WHERE c == "x"
DISSECT message "%{a} %{b}" | WHERE a > 5
DISSECT size "%{a} %{b}"
GROK message "%{WORD:a} %{NUMBER:b:int}" | WHERE b > 5
GROK message "%{WORD:a} %{NUMBER:b}" | WHERE b > 5
GROK message "%{WORD:a} %{NUMBER:b:float}" | WHERE b > 1.5
GROK message "%{WORD:a} %{NUMBER:b:int}" | WHERE b == "x"
GROK message "%{WRD:a}"
GROK source.ip "%{IP:a}"
WHERE user.name
WHERE size
WHERE up
WHERE up AND size > 1
WHERE size AND up
WHERE NOT size
WHERE up OR user.name
WHERE up == "true"
WHERE up IN (true, false)
WHERE (size > 5) == true
WHERE user.name IS NULL OR user.name == "x"
WHERE user.name.x == "x"
WHERE nope == "x"
EVAL x = nope
KEEP nope
DROP nope
RENAME nope AS x
SORT nope
STATS c = COUNT(*) BY nope
""".strip().splitlines()

CONSTANT_FORMS = r'''
WHERE @timestamp > NOW() - 15m
WHERE @timestamp > NOW() - 15 min
WHERE @timestamp > NOW() - 15 minutes
WHERE @timestamp > NOW() - 1h
WHERE @timestamp > NOW() - 1 hr
WHERE @timestamp > NOW() - 1 fortnight
WHERE @timestamp > NOW() - 2 mo
WHERE @timestamp > NOW() - 1 yr
WHERE @timestamp > NOW() - 1 quarter
WHERE @timestamp > NOW() - 500 ms
WHERE @timestamp > NOW() - 1 D
WHERE @timestamp > "now-1d"
WHERE @timestamp > "2026-01-31T00:00:00Z"
WHERE @timestamp > "2026-01-31"
WHERE @timestamp > "2026-01"
WHERE @timestamp > "yesterday"
WHERE @timestamp > "31.01.2026"
WHERE @timestamp > "2026-01-31 00:00:00"
WHERE @timestamp > "2026-01-31T00:00:00.000+01:00"
WHERE source.ip == "10.0.0.0/8"
WHERE source.ip == "abc"
WHERE source.ip == "::1"
WHERE source.ip IN ("10.0.0.1", "abc")
WHERE CIDR_MATCH(source.ip, "10.0.0.0/8", "::1/128")
WHERE CIDR_MATCH(source.ip, "10.0.0.0/33")
WHERE CIDR_MATCH(source.ip, "10.0.0.1")
WHERE CIDR_MATCH(source.ip, "::1")
WHERE CIDR_MATCH(source.ip, "abc/8")
WHERE CIDR_MATCH(source.ip, "10.0.0.7/8")
WHERE CIDR_MATCH(source.ip, "fe80::/10")
WHERE CIDR_MATCH(source.ip)
WHERE CIDR_MATCH(source.ip, 8)
WHERE user.name LIKE "a\\*b"
WHERE user.name LIKE "*\\Temp\\*"
WHERE user.name LIKE """*\Temp\*"""
WHERE user.name LIKE """*\\Temp\\*"""
WHERE user.name LIKE "a\\"
WHERE user.name LIKE "a\\?"
WHERE user.name LIKE "[a"
WHERE user.name LIKE ("a*", "b\\c")
WHERE user.name LIKE ("a*", "b*")
WHERE user.name RLIKE "(?i)admin"
WHERE user.name RLIKE "[^a-zA-Z0-9_-]x"
WHERE user.name RLIKE "[a-z_\\-]x"
WHERE user.name RLIKE "[-a]x"
WHERE user.name RLIKE "[a"
WHERE user.name RLIKE "(a"
WHERE user.name RLIKE "a)"
WHERE user.name RLIKE "a{2"
WHERE user.name RLIKE "a{2,1}"
WHERE user.name RLIKE "a{2,3}"
WHERE user.name RLIKE "a{x}"
WHERE user.name RLIKE "a<b"
WHERE user.name RLIKE "a<1-5>"
WHERE user.name RLIKE "a<b>"
WHERE user.name RLIKE "a\"b"
WHERE user.name RLIKE "*a"
WHERE user.name RLIKE "a||b"
WHERE user.name RLIKE "\\d+\\w"
WHERE user.name RLIKE "a\\"
WHERE user.name RLIKE "a&b"
WHERE user.name RLIKE "~a"
WHERE user.name RLIKE ""
WHERE user.name RLIKE "[]a]"
WHERE user.name RLIKE "[z-a]"
WHERE user.name RLIKE "\\bx"
WHERE user.name RLIKE "[^\\x00-\\x7f]"
WHERE user.name RLIKE "a\\-\\d"
WHERE user.name RLIKE "a&&b"
WHERE user.name RLIKE "~(a|b)#@"
EVAL z = DATE_EXTRACT("hour", @timestamp)
EVAL z = DATE_EXTRACT("hour_of_day", @timestamp)
EVAL z = DATE_EXTRACT("HOUR_OF_DAY", @timestamp)
EVAL z = DATE_EXTRACT("hour_of_dey", @timestamp)
EVAL z = DATE_EXTRACT("day_of_week", @timestamp)
EVAL z = DATE_EXTRACT("week", @timestamp)
EVAL z = DATE_EXTRACT("year", @timestamp)
EVAL z = DATE_DIFF("minutes", @timestamp, NOW())
EVAL z = DATE_DIFF("mi", @timestamp, NOW())
EVAL z = DATE_DIFF("min", @timestamp, NOW())
EVAL z = DATE_DIFF("h", @timestamp, NOW())
EVAL z = DATE_DIFF("fortnight", @timestamp, NOW())
EVAL z = DATE_DIFF("DAYS", @timestamp, NOW())
EVAL z = DATE_FORMAT("yyyy-MM-dd", @timestamp)
EVAL z = DATE_FORMAT("YYYY-mm-DD", @timestamp)
EVAL z = DATE_FORMAT("yyyy-MM-ddTHH:mm", @timestamp)
EVAL z = DATE_FORMAT("yyyy-MM-dd'T'HH:mm", @timestamp)
EVAL z = DATE_FORMAT("yyyy-MM-dd'T", @timestamp)
EVAL z = DATE_FORMAT("%Y-%m-%d", @timestamp)
EVAL z = DATE_FORMAT("HHH", @timestamp)
EVAL z = DATE_FORMAT("strict_date_optional_time", @timestamp)
EVAL z = DATE_FORMAT(@timestamp)
EVAL z = DATE_PARSE("yyyy-MM-dd", user.name)
EVAL z = DATE_PARSE("yyyy-bb", user.name)
EVAL z = DATE_PARSE("yyyy-MM-ddTHH", user.name)
EVAL z = DATE_PARSE(user.name)
WHERE KQL("user.name: x")
WHERE KQL("user.name: (x or y) and not size > 5")
WHERE KQL("user.name: (x")
WHERE KQL("user.name: x)")
WHERE KQL("user.name: ")
WHERE KQL("user.name: \"x")
WHERE KQL("and user.name: x")
WHERE KQL("user.name: x or")
WHERE KQL("not")
WHERE KQL("")
WHERE KQL("x y z")
WHERE KQL("user.name: x y")
WHERE KQL("user.name: *")
WHERE KQL("size >= 5 and size < 10")
WHERE KQL("@timestamp >= \"now-1d\"")
WHERE KQL("user: { name: x }")
WHERE KQL("user.name: x AND NOT event.action: y")
WHERE QSTR("user.name: x")
WHERE QSTR("user.name: (a OR")
WHERE QSTR("user.name: (a OR b)")
WHERE QSTR("user.name: a AND")
WHERE QSTR("AND a")
WHERE QSTR("user.name:")
WHERE QSTR("\"a")
WHERE QSTR("size: [1 TO 5]")
WHERE QSTR("size: [1 TO 5")
WHERE QSTR("a OR b")
WHERE QSTR("a)")
WHERE QSTR("+a -b")
WHERE user.name == ?x
WHERE user.name == ?
WHERE CONTAINS(user.name, "x")
EVAL z = STARTS_WITH(user.name)
EVAL z = CONCAT(user.name)
EVAL z = SUBSTRING(user.name)
EVAL z = NOW(1)
EVAL z = TO_LOWER(user.name, 1)
EVAL z = LENGTH()
EVAL z = CASE(up)
EVAL z = CASE(up, 1, size > 5, 2, 3)
EVAL z = CASE(up, 1, "x")
EVAL z = CASE(size, 1, 2)
EVAL z = COALESCE(source.ip, "")
EVAL z = COALESCE(TO_STRING(source.ip), "")
EVAL z = COALESCE(size, 0), y = COALESCE(user.name, event.action)
EVAL z = size / 0
EVAL z = size % 2
EVAL z = user.name + "x"
EVAL z = @timestamp - event.start
EVAL z = @timestamp - 1 day - 2 hours
EVAL z = NOW() - "1 day"::date_period
EVAL z = size::string, y = "10.0.0.1"::ip
EVAL z = size::nope
EVAL z = 1 day
EVAL z = [1, 2, 3]
WHERE size IN (1, 2, 3)
WHERE size IN ("1", "2")
WHERE size == "1"
WHERE size > "1"
WHERE user.name == 5
WHERE user.name : "x"
WHERE message : "a b"
WHERE size : 5
WHERE MATCH(message, "a b")
WHERE user.name != "x" AND NOT (source.ip == "10.0.0.1")
'''.strip().splitlines()

METADATA_FORMS = [
    "FROM # METADATA _id, _index, _version | WHERE _id IS NOT NULL",
    "FROM # METADATA _id | KEEP _id, user.name",
    "FROM # METADATA _idx",
    "FROM # METADATA _source | KEEP _source",
    "FROM # METADATA _id | WHERE _index == \"x\"",
    "FROM # METADATA _index | STATS c = COUNT(*) BY _index, user.name",
    "FROM # METADATA _score | SORT _score DESC",
    "FROM # METADATA _ignored | WHERE _ignored IS NULL",
    "FROM # METADATA _version | WHERE _version > 1",
    "FROM # METADATA _id | DROP _id | WHERE _id == \"x\"",
]  # fmt: skip

FORMS = [
    f"FROM {INDEX} | {part}"
    for part in (*COMPARED, *ORDERED, *LISTED, *PAIRED, *MATCHED, *CALLED, *COUNTED, *SCOPES, *CONSTANT_FORMS)
] + [form.replace("#", INDEX) for form in METADATA_FORMS]
