package config

import (
	"fmt"
	"log/slog"

	"go.temporal.io/sdk/log"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"
)

// Logger makes the program's logger: JSON lines to the file, else to stderr.
// The caller syncs it at the end.
func (l Log) Logger() (*zap.Logger, error) {
	level, err := zapcore.ParseLevel(l.Level)
	if err != nil {
		return nil, fmt.Errorf("log.level: %w", err)
	}
	cfg := zap.NewProductionConfig()
	cfg.Level = zap.NewAtomicLevelAt(level)
	cfg.DisableStacktrace = true // errors say where they come from
	cfg.EncoderConfig.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	cfg.EncoderConfig.TimeKey = "time"
	if l.File != "" {
		cfg.OutputPaths = []string{l.File}
		cfg.ErrorOutputPaths = []string{"stderr"}
	}
	logger, err := cfg.Build()
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	return logger, nil
}

// Slog is the logger for what speaks log/slog.
func Slog(logger *zap.Logger) *slog.Logger {
	return slog.New(zapslog.NewHandler(logger.Core()))
}

// SDKLog is the logger for Temporal's SDK.
func SDKLog(logger *zap.Logger) log.Logger { return log.NewStructuredLogger(Slog(logger)) }
