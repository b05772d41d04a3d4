package pgserver

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/xi2/xz"
)

// ArchiveEnv names the Maven repository that PostgreSQL is fetched from on a
// machine that has none, for those who keep a mirror. The value "off" forbids
// fetching.
const ArchiveEnv = "KAM_POSTGRES_ARCHIVE"

const (
	mavenCentral   = "https://repo1.maven.org/maven2"
	archiveVersion = "17.5.0"
	maxArchive     = 200 << 20
)

// fetchInstallation puts the programs of zonky's embedded-postgres-binaries
// below dir, where the user that PostgreSQL runs as can reach them. They are
// what the library embedded-postgres runs; that one cannot be used here,
// because it refuses to work as root and takes an archive without a checksum.
func fetchInstallation(ctx context.Context, dir string, log func(string)) (installation, error) {
	repository := os.Getenv(ArchiveEnv)
	switch repository {
	case "off":
		return installation{}, ErrNoBinaries
	case "":
		repository = mavenCentral
	}
	target := filepath.Join(dir, "postgresql-"+archiveVersion)
	url := archiveURL(repository)
	log(fmt.Sprintf("This machine has no PostgreSQL: fetching %s", url))
	archive, err := fetchChecked(ctx, url)
	if err != nil {
		return installation{}, fmt.Errorf("fetch PostgreSQL: %w (%w)", err, ErrNoBinaries)
	}
	attempt := target + ".new"
	if err := os.RemoveAll(attempt); err != nil {
		return installation{}, fmt.Errorf("remove an interrupted attempt: %w", err)
	}
	if err := errors.Join(unpack(archive, attempt), os.RemoveAll(target)); err != nil {
		return installation{}, fmt.Errorf("unpack %s: %w", url, err)
	}
	if err := os.Rename(attempt, target); err != nil {
		return installation{}, fmt.Errorf("move PostgreSQL into place: %w", err)
	}
	return inspect(ctx, filepath.Join(target, "bin"))
}

func archiveURL(repository string) string {
	arch := runtime.GOARCH
	if arch == "arm64" {
		arch = "arm64v8"
	}
	if _, err := os.Stat("/etc/alpine-release"); err == nil {
		arch += "-alpine"
	}
	name := fmt.Sprintf("embedded-postgres-binaries-%s-%s", runtime.GOOS, arch)
	return fmt.Sprintf("%s/io/zonky/test/postgres/%s/%s/%[2]s-%[3]s.jar", strings.TrimRight(repository, "/"), name, archiveVersion)
}

// fetchChecked returns a file whose SHA-256 the repository publishes beside it.
// Without a checksum there is no file.
func fetchChecked(ctx context.Context, url string) ([]byte, error) {
	want, err := get(ctx, url+".sha256")
	if err != nil {
		return nil, err
	}
	file, err := get(ctx, url)
	if err != nil {
		return nil, err
	}
	have := sha256.Sum256(file)
	if fields := strings.Fields(string(want)); len(fields) == 0 || fields[0] != hex.EncodeToString(have[:]) {
		return nil, fmt.Errorf("checksum of %s does not match", url)
	}
	return file, nil
}

func get(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", url, res.Status)
	}
	return io.ReadAll(io.LimitReader(res.Body, maxArchive))
}

// unpack extracts the one tar archive that the jar holds.
func unpack(jar []byte, dir string) error {
	files, err := zip.NewReader(bytes.NewReader(jar), int64(len(jar)))
	if err != nil {
		return err
	}
	for _, file := range files.File {
		if !strings.HasSuffix(file.Name, ".txz") {
			continue
		}
		packed, err := file.Open()
		if err != nil {
			return err
		}
		plain, err := xz.NewReader(packed, 0)
		if err == nil {
			err = untar(tar.NewReader(plain), dir)
		}
		return errors.Join(err, packed.Close())
	}
	return errors.New("no programs inside")
}

// untar stays inside dir, whatever names the archive holds: os.Root refuses
// paths, and links that lead, outside.
func untar(archive *tar.Reader, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return root.Close()
		}
		if err == nil {
			err = extract(root, header, archive)
		}
		if err != nil {
			return errors.Join(err, root.Close())
		}
	}
}

func extract(root *os.Root, header *tar.Header, content io.Reader) error {
	name := filepath.Clean(header.Name)
	if header.Typeflag == tar.TypeDir {
		return root.MkdirAll(name, 0o755)
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	switch header.Typeflag {
	case tar.TypeSymlink:
		return root.Symlink(header.Linkname, name)
	case tar.TypeReg:
		file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, header.FileInfo().Mode().Perm())
		if err != nil {
			return err
		}
		_, err = io.Copy(file, content)
		return errors.Join(err, file.Close())
	default:
		return nil
	}
}
