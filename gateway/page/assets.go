package page

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// AssetsAt is where the files of the pages are served.
const AssetsAt = "/assets/"

// assetFiles are styles and scripts by name. Their address holds their checksum,
// so that a browser keeps them for ever.
type assetFiles map[string][]byte

var assets = assetFiles{"frame.css": must(files.ReadFile("frame.css")), "frame.js": must(files.ReadFile("frame.js"))}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err) // it is part of the program
	}
	return b
}

// Asset adds a file of a page to those that are served. It is called while the
// program starts.
func Asset(dir fs.FS, name string) { assets[name] = must(fs.ReadFile(dir, name)) }

func (a assetFiles) path(name string) (string, error) {
	b, ok := a[name]
	if !ok {
		return "", fmt.Errorf("there is no file %s", name)
	}
	return fmt.Sprintf("%s%.8x/%s", AssetsAt, sha256.Sum256(b), name), nil
}

// Assets serves the files of all pages.
func Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := path.Base(r.URL.Path)
		if want, err := assets.path(name); err != nil || want != r.URL.Path {
			http.NotFound(w, r)
			return
		}
		switch {
		case strings.HasSuffix(name, ".css"):
			w.Header().Set("Content-Type", "text/css; charset=utf-8")
		case strings.HasSuffix(name, ".js"):
			w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		}
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(assets[name]))
	})
}
