package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap/zapcore"
)

// Check says which fields are wrong, all of them at once.
func (c Config) Check() error {
	var k checks
	k.that(c.DataDir != "", "data_dir", "is empty")
	k.database(c.Database)
	k.between("temporal.retention", c.Temporal.Retention, 24*time.Hour, 10*365*24*time.Hour)
	k.that(c.Temporal.TaskQueue != "", "temporal.task_queue", "is empty")
	if c.Temporal.Address != "" {
		k.hostPort("temporal.address", c.Temporal.Address)
	}
	k.that(slices.Contains([]string{"", "record", "require"}, c.Signatures), "signatures", "%q is neither record nor require", c.Signatures)
	k.worker(c.Worker)
	k.notify(c.Notify)
	k.screening(c.Screening)
	k.between("client.timeout", c.Client.Timeout, time.Second, 10*time.Minute)
	k.hostPort("console.listen", c.Console.Listen)
	k.within("standalone.temporal_port", c.Standalone.TemporalPort, 0, 65535)
	k.within("standalone.ui_port", c.Standalone.UIPort, 0, 65535)
	if _, err := zapcore.ParseLevel(c.Log.Level); err != nil {
		k.that(false, "log.level", "%q is none of debug, info, warn, error", c.Log.Level)
	}
	return errors.Join(k...)
}

// checks collects what is wrong.
type checks []error

func (k *checks) that(ok bool, field, format string, args ...any) {
	if !ok {
		*k = append(*k, fmt.Errorf("%s: %s", field, fmt.Sprintf(format, args...)))
	}
}

func (k *checks) within(field string, n, from, to int) {
	k.that(n >= from && n <= to, field, "%d is not within %d to %d", n, from, to)
}

func (k *checks) between(field string, d, from, to time.Duration) {
	k.that(d >= from && d <= to, field, "%s is not within %s to %s", d, from, to)
}

func (k *checks) hostPort(field, address string) {
	_, port, err := net.SplitHostPort(address)
	k.that(err == nil && port != "", field, "%q is not host:port", address)
}

func (k *checks) database(d Database) {
	k.within("database.max_conns", d.MaxConns, 2, 1000)
	if d.URL == "" {
		return
	}
	// The URL may hold a password, so the error does not repeat it.
	u, err := url.Parse(d.URL.Reveal())
	k.that(err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql"), "database.url", "is not of the form postgres://user:password@host:port/database")
}

func (k *checks) worker(w Worker) {
	k.hostPort("worker.listen", w.Listen)
	k.that(w.Deployment != "" && !strings.ContainsAny(w.Deployment, ". /"), "worker.deployment", "%q must be a plain name without dots", w.Deployment)
	k.within("worker.workflow_tasks", w.WorkflowTasks, 2, 10_000)
	k.within("worker.activities", w.Activities, 1, 10_000)
	k.within("worker.sticky_cache", w.StickyCache, 0, 1_000_000)
	k.within("worker.gc_percent", w.GCPercent, 25, 2000)
	k.between("worker.stop_timeout", w.StopTimeout, 0, 10*time.Minute)
	k.between("worker.reconcile_every", w.ReconcileEvery, time.Second, time.Hour)
	k.between("worker.relay_every", w.RelayEvery, 50*time.Millisecond, time.Hour)
}

func (k *checks) notify(n Notify) {
	channels := []string{ChannelLog, ChannelMail, ChannelWebhook}
	k.that(slices.Contains(channels, n.Channel), "notify.channel", "%q is none of %s", n.Channel, strings.Join(channels, ", "))
	k.between("notify.timeout", n.Timeout, 100*time.Millisecond, time.Minute)
	modes := []string{"mandatory", "opportunistic", "none"}
	k.that(slices.Contains(modes, n.Mail.TLS), "notify.mail.tls", "%q is none of %s", n.Mail.TLS, strings.Join(modes, ", "))
	k.within("notify.mail.port", n.Mail.Port, 1, 65535)
	if n.Channel == ChannelMail {
		k.that(n.Mail.Host != "", "notify.mail.host", "is needed where notify.channel is mail")
		_, err := mail.ParseAddress(n.Mail.From)
		k.that(err == nil, "notify.mail.from", "%q is not an address", n.Mail.From)
	}
	if n.Channel == ChannelWebhook {
		u, err := url.Parse(n.Webhook.URL)
		k.that(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", "notify.webhook.url", "%q is not a web address", n.Webhook.URL)
		k.that(len(n.Webhook.Secret) >= 16, "notify.webhook.secret", "needs at least 16 characters")
	}
}

func (k *checks) screening(s Screening) {
	k.between("screening.timeout", s.Timeout, 100*time.Millisecond, 50*time.Second)
	if s.URL != "" {
		u, err := url.Parse(s.URL)
		k.that(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", "screening.url", "%q is not a web address", s.URL)
	}
}

// Loopback says whether only this machine can reach a listener's address.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
