package temporalserver

import (
	"fmt"
	"os"
	"sync"

	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/server/common/log"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// A logger writes what the server says to a file, so that the terminal stays
// with what people should read.
type logger struct {
	log.Logger
	file *logFile
}

// A logFile swallows what comes after its end: some of the server's goroutines
// outlive its Stop.
type logFile struct {
	mu     sync.Mutex
	file   *os.File
	closed bool
}

func (f *logFile) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return len(line), nil
	}
	return f.file.Write(line)
}

// Sync leaves it to the kernel when lines reach the disk.
func (f *logFile) Sync() error { return nil }

func (f *logFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return f.file.Close()
}

const maxLog = 10 << 20

// openLog keeps one older log.
func openLog(path string) (*logger, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, fmt.Errorf("rotate log: %w", err)
		}
	}
	opened, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	file := &logFile{file: opened}
	encoding := zap.NewProductionEncoderConfig()
	encoding.EncodeTime = zapcore.ISO8601TimeEncoder
	encoder := zapcore.NewJSONEncoder(encoding)
	// A fatal message ends the whole process: whoever sees it end should see why.
	core := zapcore.NewTee(
		zapcore.NewCore(encoder, file, zapcore.WarnLevel),
		zapcore.NewCore(encoder, zapcore.Lock(os.Stderr), zapcore.DPanicLevel),
	)
	return &logger{Logger: log.NewZapLogger(zap.New(core)), file: file}, nil
}

func (l *logger) forSDK() sdklog.Logger { return log.NewSdkLogger(l.Logger) }

// Close ends the file.
func (l *logger) Close() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
