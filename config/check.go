package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
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
	k.client(c.Client)
	k.console(c.Console)
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

func (k *checks) client(c Client) {
	if c.Gateway == "" {
		return
	}
	u, err := url.Parse(c.Gateway)
	ok := err == nil && u.Host != "" && u.User == nil && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == ""
	k.that(ok && (u.Scheme == "https" || u.Scheme == "http" && Loopback(net.JoinHostPort(u.Hostname(), "0"))), "client.gateway",
		"%q: write https://HOST; http is for this machine only, for a token would go over the network in the clear", c.Gateway)
}

func (k *checks) console(c Console) {
	k.hostPort("console.listen", c.Listen)
	k.hostPort("console.health_listen", c.HealthListen)
	k.between("console.session_idle", c.SessionIdle, 5*time.Minute, 24*time.Hour)
	k.between("console.session_lifetime", c.SessionLifetime, 10*time.Minute, 7*24*time.Hour)
	k.between("console.token_lifetime", c.TokenLifetime, 24*time.Hour, 365*24*time.Hour)
	_, err := c.Proxies()
	k.that(err == nil, "console.trusted_proxies", "%v", err)
	k.that((c.TLSCert == "") == (c.TLSKey == ""), "console.tls_key", "certificate and key are given together")
	base, err := c.Base()
	k.that(err == nil, "console.base_url", "%v", err)
	if err == nil {
		k.exposed(c, base)
	}
	k.providers(c.Providers, base)
}

// exposed holds that nobody's password or session goes over a network in the
// clear.
func (k *checks) exposed(c Console, base *url.URL) {
	tls, proxies := c.TLSCert != "", len(c.TrustedProxies) > 0
	switch {
	case base == nil && (tls || proxies || !Loopback(c.Listen)):
		k.that(false, "console.base_url", "is needed off loopback, behind a proxy and with TLS: it says where people reach the console, as https://kam.example.com")
	case !Loopback(c.Listen) && !tls && !proxies:
		k.that(false, "console.listen", "%q is open to other machines: give console.tls_cert and console.tls_key, or name in console.trusted_proxies who stands in front with TLS", c.Listen)
	case base == nil:
	case base.Scheme == "https":
		k.that(tls || proxies, "console.base_url", "is https, and nothing speaks it: give console.tls_cert and console.tls_key, or console.trusted_proxies")
	default:
		k.that(!tls, "console.base_url", "is http, and the console speaks TLS")
		k.that(Loopback(net.JoinHostPort(base.Hostname(), "0")), "console.base_url", "is http: passwords would go over the network in the clear; only this machine may be reached so")
	}
}

func (k *checks) providers(all []Provider, base *url.URL) {
	names, issuers := map[string]bool{}, map[string]bool{}
	for i, p := range all {
		field := fmt.Sprintf("console.providers[%d].", i)
		k.that(p.Name != "" && strings.Trim(p.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") == "", field+"name", "%q: write small letters, digits and '-'", p.Name)
		k.that(!names[p.Name], field+"name", "%q stands there twice", p.Name)
		k.that(!issuers[p.Issuer], field+"issuer", "%q stands there twice", p.Issuer)
		names[p.Name], issuers[p.Issuer] = true, true
		k.that(p.Title != "", field+"title", "is empty")
		k.that(p.ClientID != "", field+"client_id", "is empty")
		u, err := url.Parse(p.Issuer)
		ok := err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && Loopback(net.JoinHostPort(u.Hostname(), "0")))
		k.that(ok, field+"issuer", "%q is no address that begins with https", p.Issuer)
	}
	k.that(len(all) == 0 || base != nil, "console.base_url", "is needed with providers: they send people back there")
}

// Base is where people reach the console, nil where that is only said by Listen.
func (c Console) Base() (*url.URL, error) {
	if c.BaseURL == "" {
		return nil, nil //nolint:nilnil // none is given
	}
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("%q is no address without a path, as https://kam.example.com", c.BaseURL)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// OwnMachine says whether people come from the machine of the console only.
func (c Console) OwnMachine() bool {
	base, err := c.Base()
	return err == nil && (base == nil || Loopback(net.JoinHostPort(base.Hostname(), "0")))
}

// Proxies are the networks of TrustedProxies.
func (c Console) Proxies() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, s := range c.TrustedProxies {
		if a, err := netip.ParseAddr(s); err == nil {
			all = append(all, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network, as 10.1.0.0/16", s)
		}
		all = append(all, p.Masked())
	}
	return all, nil
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
