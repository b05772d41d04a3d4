package hostile

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/workerapp"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
)

// What a worker process is told by the tests that started it.
const (
	databaseEnv  = "KAM_HOSTILE_DATABASE"
	temporalEnv  = "KAM_HOSTILE_TEMPORAL"
	namespaceEnv = "KAM_HOSTILE_NAMESPACE"
	keysEnv      = "KAM_HOSTILE_KEYS"
)

const ready = "ready"

// beWorker turns this process into a worker until the tests are done with it:
// its standard input ends with them, however they end.
func beWorker() int {
	cfg := config.Defaults()
	cfg.Database.URL = config.Secret(os.Getenv(databaseEnv))
	cfg.Temporal.Address, cfg.Temporal.Namespace = os.Getenv(temporalEnv), os.Getenv(namespaceEnv)
	cfg.Worker.Listen, cfg.Worker.BuildID, cfg.Worker.PromoteSelf = "127.0.0.1:0", "hostile", true
	cfg.Keys.Public = os.Getenv(keysEnv)
	log := zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig()), os.Stderr, zap.WarnLevel))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	app, err := workerapp.Start(ctx, cfg, workerapp.Deps{Log: log, AllowUnsafe: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer app.Stop()
	fmt.Println(ready)
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// A worker is a process that works.
type worker struct {
	cmd   *exec.Cmd
	stdin io.Closer
	log   string
	done  chan struct{} // closed when it has ended
}

func startWorker(dir, database, temporal, namespace string) (*worker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	w := &worker{log: filepath.Join(dir, "worker.log"), done: make(chan struct{})}
	out, err := os.Create(w.log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	w.cmd = exec.Command(self)
	w.cmd.Env = append(os.Environ(), databaseEnv+"="+database, temporalEnv+"="+temporal, namespaceEnv+"="+namespace, keysEnv+"="+signedtest.Public())
	w.cmd.Stderr = out
	if w.stdin, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	says, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	line, readErr := bufio.NewReader(says).ReadString('\n')
	go func() {
		defer close(w.done)
		_ = w.cmd.Wait() // the log says why it ended
	}()
	if strings.TrimSpace(line) != ready {
		w.stop()
		return nil, fmt.Errorf("the worker is not ready: %w\n%s", readErr, w.tail())
	}
	return w, nil
}

func (w *worker) stop() {
	_ = w.stdin.Close() // it may have ended already
	select {
	case <-w.done:
	case <-time.After(patience):
		_ = w.cmd.Process.Kill()
		<-w.done
	}
}

// lives fails the test if the worker has ended.
func (w *worker) lives(t *testing.T) {
	t.Helper()
	select {
	case <-w.done:
		t.Fatalf("the worker has ended: %v\n%s", w.cmd.ProcessState, w.tail())
	default:
	}
}

// tail is the end of the worker's log.
func (w *worker) tail() string {
	b, err := os.ReadFile(w.log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(b, []byte("\n"))
	var out strings.Builder
	for _, l := range lines[max(0, len(lines)-15):] {
		out.Write(l[:min(len(l), 300)])
		out.WriteByte('\n')
	}
	return out.String()
}

// rss is the memory that the worker holds, in MiB.
func (w *worker) rss(t *testing.T) int {
	t.Helper()
	w.lives(t)
	pid := strconv.Itoa(w.cmd.Process.Pid)
	if b, err := os.ReadFile(filepath.Join("/proc", pid, "status")); err == nil {
		for line := range strings.Lines(string(b)) {
			if kib, ok := strings.CutPrefix(line, "VmRSS:"); ok {
				return mebibytes(t, strings.TrimSuffix(strings.TrimSpace(kib), " kB"))
			}
		}
	}
	out, err := exec.Command("ps", "-o", "rss=", "-p", pid).Output()
	require.NoError(t, err)
	return mebibytes(t, strings.TrimSpace(string(out)))
}

func mebibytes(t *testing.T, kib string) int {
	t.Helper()
	n, err := strconv.Atoi(kib)
	require.NoError(t, err)
	return n / 1024
}
