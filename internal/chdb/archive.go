package chdb

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// ChecksumError says that a file is not the one that was pinned.
type ChecksumError struct{ File, Want, Got string }

func (e *ChecksumError) Error() string {
	return fmt.Sprintf("checksum mismatch: %s: expected %s, got %s; nothing was installed: try again, and if it repeats look at which registry npm uses (npm config get registry)",
		e.File, e.Want, e.Got)
}

// verifyArchive compares the package with its pinned sum, or, where none is
// pinned, with what the registry says of it.
func (o InstallOptions) verifyArchive(ctx context.Context, archive string) error {
	if o.platform.known() {
		got, err := fileSum(archive, sha256.New())
		if err != nil {
			return err
		}
		return compareSums(o.spec()+" (package)", o.platform.archiveSHA256, hex.EncodeToString(got))
	}
	text, err := o.npm(ctx, "view", o.spec(), "dist.integrity").Output()
	if err != nil {
		return fmt.Errorf("read the registry's integrity of %s: %w", o.spec(), err)
	}
	got, err := fileSum(archive, sha512.New())
	if err != nil {
		return err
	}
	return compareSums(o.spec()+" (package)", strings.TrimSpace(string(text)), "sha512-"+base64.StdEncoding.EncodeToString(got))
}

func fileSum(name string, h hash.Hash) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	if _, err := io.Copy(h, f); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

func compareSums(file, want, got string) error {
	if want != got {
		return &ChecksumError{File: file, Want: want, Got: got}
	}
	return nil
}

// unpack writes the library out of the package and verifies it on the way.
func (o InstallOptions) unpack(ctx context.Context, archive, library string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	packed, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("unpack %s: %w", o.spec(), err)
	}
	files := tar.NewReader(packed)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("unpack %s: it holds no libchdb.so", o.spec())
		}
		if err != nil {
			return fmt.Errorf("unpack %s: %w", o.spec(), err)
		}
		if filepath.Base(header.Name) == "libchdb.so" && header.Typeflag == tar.TypeReg {
			return o.writeLibrary(ctx, files, header.Size, library)
		}
	}
}

func (o InstallOptions) writeLibrary(ctx context.Context, from io.Reader, size int64, name string) error {
	to, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	bar := o.bar("unpacking libchdb", size)
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(to, sum, bar), contextReader{ctx, from})
	bar.finish(err == nil)
	if err := errors.Join(err, to.Sync(), to.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if !o.platform.known() {
		return nil
	}
	return compareSums("libchdb.so of "+o.spec(), o.platform.librarySHA256, hex.EncodeToString(sum.Sum(nil)))
}

// contextReader stops reading when its context ends.
type contextReader struct {
	ctx  context.Context
	from io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}
