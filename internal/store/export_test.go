package store

// OpenMigrations is Open with migrations of the test's own.
var OpenMigrations = open

// Render, SplitStatements and the parts of an address are tested by themselves.
var (
	Render          = render
	SplitStatements = splitStatements
	Older           = older
)

// ParseDSN returns what an address names, in text.
func ParseDSN(dsn, database string) (display, path, resolved string, err error) {
	t, err := parseDSN(dsn)
	if err != nil {
		return "", "", "", err
	}
	resolved, err = t.resolveDatabase(database)
	return t.display, t.path, resolved, err
}

// FormatRows is how QueryRaw answers over the native protocol.
var FormatRows = formatRows
