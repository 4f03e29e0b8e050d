package focus

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// A File is one of an export.
type File struct {
	Path string // on this machine
	Name string // as it is shown and kept
}

// The kinds of files, by the ends of their names.
var endings = []struct {
	suffix, ending string
	csv            bool
}{
	{".csv", ".csv", true},
	{".csv.gz", ".csv.gz", true},
	{".parquet", ".parquet", false},
}

// Importable reports whether a file's name says that it may be imported. Others
// beside the files of an export are its manifests.
func Importable(name string) bool {
	_, _, ok := endingOf(name)
	return ok
}

func endingOf(name string) (ending string, isCSV, ok bool) {
	for _, e := range endings {
		if strings.HasSuffix(strings.ToLower(name), e.suffix) {
			return e.ending, e.csv, true
		}
	}
	return "", false, false
}

// text opens a CSV file, unpacked.
func (f File) text() (io.Reader, io.Closer, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, nil, err
	}
	if !strings.HasSuffix(strings.ToLower(f.Name), ".gz") {
		return bufio.NewReaderSize(file, 1<<20), file, nil
	}
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("unpack: %w", err), file.Close())
	}
	return bufio.NewReaderSize(unpacked, 1<<20), file, nil
}

// csvReader reads records after a byte order mark, if there is one.
func (f File) csvReader() (*csv.Reader, io.Closer, error) {
	r, closer, err := f.text()
	if err != nil {
		return nil, nil, err
	}
	buffered := r.(*bufio.Reader)
	if mark, _ := buffered.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = buffered.Discard(3) // they were just seen
	}
	records := csv.NewReader(buffered)
	records.ReuseRecord = true
	return records, closer, nil
}

// header reads the first record.
func (f File) header() ([]column, error) {
	records, closer, err := f.csvReader()
	if err != nil {
		return nil, err
	}
	defer closer.Close() //nolint:errcheck // only read
	names, err := records.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty: it has no header")
	}
	if err != nil {
		return nil, fmt.Errorf("read the header: %w", err)
	}
	list := make([]column, len(names))
	for i, name := range names {
		list[i] = column{Name: strings.Clone(name), Type: "String"}
	}
	return list, nil
}

// misread finds what is wrong with the records of a CSV file that the engine
// could not read. nil means that every record is well formed.
func (f File) misread() error {
	records, closer, err := f.csvReader()
	if err != nil {
		return err
	}
	defer closer.Close() //nolint:errcheck // only read
	header, err := records.Read()
	if err != nil {
		return err
	}
	names := make([]string, len(header))
	for i, name := range header {
		names[i] = strings.Clone(name)
	}
	for row := 1; ; row++ {
		record, err := records.Read()
		line := 0
		if len(record) > 0 {
			line, _ = records.FieldPos(0)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, csv.ErrFieldCount) && len(record) < len(names):
			return fmt.Errorf("row %d (line %d): it has %d of %d columns: column %s is missing", row, line, len(record), len(names), names[len(record)])
		case errors.Is(err, csv.ErrFieldCount):
			return fmt.Errorf("row %d (line %d): it has %d columns, and the header %d: there is one too many after column %s", row, line, len(record), len(names), names[len(names)-1])
		case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
			return fmt.Errorf("row %d: the compressed file is damaged or cut short: %w", row, err)
		case err != nil:
			return f.malformed(row, names, record, err)
		}
	}
}

// malformed names the column in which a record breaks the rules of CSV.
func (f File) malformed(row int, names, record []string, err error) error {
	where := ""
	if len(record) < len(names) {
		where = " in column " + names[len(record)] + " or after it"
	}
	parse := (*csv.ParseError)(nil)
	if errors.As(err, &parse) {
		return fmt.Errorf("row %d (line %d)%s: %w", row, parse.StartLine, where, parse.Err)
	}
	return fmt.Errorf("row %d%s: %w", row, where, err)
}

// checkParquet tells a file that was cut short from one that is something else,
// which the engine's words do not.
func (f File) checkParquet() error {
	file, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // only read
	info, err := file.Stat()
	if err != nil {
		return err
	}
	var head, tail [4]byte
	if info.Size() < 12 {
		return fmt.Errorf("it is cut short: %d bytes are no Parquet file", info.Size())
	}
	if _, err := file.ReadAt(head[:], 0); err != nil {
		return fmt.Errorf("read its start: %w", err)
	}
	if _, err := file.ReadAt(tail[:], info.Size()-4); err != nil {
		return fmt.Errorf("read its end: %w", err)
	}
	switch {
	case string(head[:]) != "PAR1":
		return errors.New("it is no Parquet file: it does not start with PAR1")
	case string(tail[:]) != "PAR1":
		return fmt.Errorf("it is cut short at byte %d: a Parquet file ends with its columns and PAR1; remedy: fetch it again", info.Size())
	}
	return nil
}

// digest is the file's size and SHA-256.
func (f File) digest() (bytes uint64, sum string, err error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return 0, "", err
	}
	defer file.Close() //nolint:errcheck // only read
	h := sha256.New()
	n, err := io.Copy(h, file)
	if err != nil {
		return 0, "", fmt.Errorf("read it: %w", err)
	}
	return uint64(n), hex.EncodeToString(h.Sum(nil)), nil
}
