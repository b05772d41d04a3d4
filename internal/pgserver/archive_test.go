package pgserver

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// repository is a Maven repository on loopback.
type repository map[string][]byte

func (r repository) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, ok := r[req.URL.Path]
	if !ok {
		http.NotFound(w, req)
		return
	}
	_, _ = w.Write(body)
}

// jar packs a tar archive as the real ones are packed.
func jar(t *testing.T, archive []byte) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "xz", "-0", "--stdout")
	cmd.Stdin = bytes.NewReader(archive)
	packed, err := cmd.Output()
	require.NoError(t, err)
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.Create("postgres.txz")
	require.NoError(t, err)
	_, err = w.Write(packed)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return out.Bytes()
}

func tarOf(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, header := range headers {
		var content []byte
		if path, ok := header.PAXRecords[from]; ok {
			var err error
			content, err = os.ReadFile(path)
			require.NoError(t, err)
			header.PAXRecords = nil
		}
		header.Size = int64(len(content))
		require.NoError(t, w.WriteHeader(&header))
		_, err := w.Write(content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

func needXZ(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("xz"); err != nil {
		t.Skip("skipped: no program xz to make an archive with")
	}
}

// from marks an entry whose content is that of a file.
const from = "KAM.from"

// TestFetch installs this machine's own PostgreSQL from an archive, as a
// machine without one does, and runs it.
func TestFetch(t *testing.T) {
	needXZ(t)
	ours, err := findInstallation(t.Context(), "", "", 0)
	require.NoError(t, err)
	file := func(name string) tar.Header {
		return tar.Header{
			Typeflag: tar.TypeReg, Name: name, Mode: 0o755,
			PAXRecords: map[string]string{from: filepath.Join(ours.binDir, "..", name)},
		}
	}
	archive := jar(t, tarOf(t, file("bin/initdb"), file("bin/postgres"),
		file("lib/dict_snowball.so"), file("lib/plpgsql.so"),
		tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/postmaster", Linkname: "postgres"}))
	sum := sha256.Sum256(archive)

	maven := repository{}
	server := httptest.NewServer(maven)
	t.Cleanup(server.Close)
	t.Setenv(ArchiveEnv, server.URL)
	t.Setenv("PATH", filepath.Dir(lookPath(t, "xz")))
	t.Setenv(BinDirEnv, "")
	places := searched
	searched = nil
	t.Cleanup(func() { searched = places })

	dir, err := os.MkdirTemp("", "kamflow-fetch-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	opts := Options{DataDir: dir}

	_, err = Start(t.Context(), opts)
	require.ErrorIs(t, err, ErrNoBinaries, "without leave nothing is fetched")

	opts.Fetch = true
	_, err = Start(t.Context(), opts)
	require.ErrorIs(t, err, ErrNoBinaries)
	require.ErrorContains(t, err, "404")

	path := strings.TrimPrefix(archiveURL(server.URL), server.URL)
	maven[path] = archive
	_, err = Start(t.Context(), opts)
	require.ErrorContains(t, err, ".sha256: 404", "an archive without checksum is not taken")

	maven[path+".sha256"] = []byte(strings.Repeat("0", 64))
	_, err = Start(t.Context(), opts)
	require.ErrorContains(t, err, "does not match")

	maven[path+".sha256"] = []byte(hex.EncodeToString(sum[:]))
	for range 2 { // the second time from the data directory
		s, err := Start(t.Context(), opts)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(s.BinDir(), dir), s.BinDir())
		conn, err := pgx.Connect(t.Context(), s.DSN("postgres"))
		require.NoError(t, err)
		require.NoError(t, conn.Close(t.Context()))
		require.NoError(t, s.Stop(t.Context()))
		delete(maven, path)
	}
}

func lookPath(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	require.NoError(t, err)
	return path
}

func TestUnpackStaysInside(t *testing.T) {
	needXZ(t)
	t.Parallel()

	for name, headers := range map[string][]tar.Header{
		"path": {{Typeflag: tar.TypeReg, Name: "../outside", Mode: 0o644}},
		"link": {
			{Typeflag: tar.TypeSymlink, Name: "link", Linkname: "../"},
			{Typeflag: tar.TypeReg, Name: "link/outside", Mode: 0o644},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			dir := t.TempDir()
			require.Error(t, unpack(jar(t, tarOf(t, headers...)), filepath.Join(dir, "inside")))
			require.NoFileExists(t, filepath.Join(dir, "outside"))
		})
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()

	installed := []installation{{major: 14, version: "14.9"}, {major: 17, version: "17.2"}, {major: 15, version: "15.8"}}
	for name, tt := range map[string]struct {
		cluster, want int
		says          string
	}{
		"the first that is new enough": {cluster: 0, want: 17},
		"the one that made the data":   {cluster: 15, want: 15},
		"none that made the data":      {cluster: 16, says: "install PostgreSQL 16"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got, err := choose(append([]installation(nil), installed...), tt.cluster)
			if tt.says != "" {
				require.ErrorContains(t, err, tt.says)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got.major)
		})
	}
	_, err := choose(nil, 0)
	require.ErrorIs(t, err, ErrNoBinaries)
}
