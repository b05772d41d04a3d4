package config

import "time"

// Config is every setting of every command.
type Config struct {
	DataDir    string     `mapstructure:"data_dir"`
	Lang       string     `mapstructure:"lang"` // of what people read, "" for that of the machine
	Database   Database   `mapstructure:"database"`
	Temporal   Temporal   `mapstructure:"temporal"`
	Worker     Worker     `mapstructure:"worker"`
	Notify     Notify     `mapstructure:"notify"`
	Screening  Screening  `mapstructure:"screening"`
	Client     Client     `mapstructure:"client"`
	Console    Console    `mapstructure:"console"`
	Standalone Standalone `mapstructure:"standalone"`
	// Signatures is what workers do with acts that are not signed: record,
	// require, or empty for what the installation does already.
	Signatures string `mapstructure:"signatures"`
	Keys       Keys   `mapstructure:"keys"`
	Log        Log    `mapstructure:"log"`
}

// Database is PostgreSQL, the record.
type Database struct {
	URL      Secret `mapstructure:"url"` // it may hold a password
	MaxConns int    `mapstructure:"max_conns"`
}

// Temporal overrides TEMPORAL_* and temporal.toml where set.
type Temporal struct {
	Address   string `mapstructure:"address"`
	Namespace string `mapstructure:"namespace"`
	Profile   string `mapstructure:"profile"`
	APIKey    Secret `mapstructure:"api_key"`
	TaskQueue string `mapstructure:"task_queue"`
	// Retention is that of a namespace that the worker makes.
	Retention time.Duration `mapstructure:"retention"`
}

// Keys are what acts are signed with: the public halves for workers, a secret one
// for whoever signs. What is set here counts besides the files in Dir.
type Keys struct {
	Dir     string `mapstructure:"dir"`
	Signing Secret `mapstructure:"signing"`
	Public  string `mapstructure:"public"`
}

// Worker is how a worker runs.
type Worker struct {
	Listen         string        `mapstructure:"listen"`
	Deployment     string        `mapstructure:"deployment"`
	BuildID        string        `mapstructure:"build_id"`
	PromoteSelf    bool          `mapstructure:"promote_self"`
	Setup          bool          `mapstructure:"setup"`
	WorkflowTasks  int           `mapstructure:"workflow_tasks"`
	Activities     int           `mapstructure:"activities"`
	StickyCache    int           `mapstructure:"sticky_cache"`
	GCPercent      int           `mapstructure:"gc_percent"`
	StopTimeout    time.Duration `mapstructure:"stop_timeout"`
	ReconcileEvery time.Duration `mapstructure:"reconcile_every"`
	RelayEvery     time.Duration `mapstructure:"relay_every"`
}

// The channels of notifications.
const (
	ChannelLog     = "log"
	ChannelMail    = "mail"
	ChannelWebhook = "webhook"
)

// Notify is how messages of the outbox leave.
type Notify struct {
	Channel string        `mapstructure:"channel"`
	Timeout time.Duration `mapstructure:"timeout"`
	Mail    Mail          `mapstructure:"mail"`
	Webhook Webhook       `mapstructure:"webhook"`
}

// Mail is an SMTP server.
type Mail struct {
	Host     string `mapstructure:"host"`
	Port     int    `mapstructure:"port"`
	From     string `mapstructure:"from"`
	User     string `mapstructure:"user"`
	Password Secret `mapstructure:"password"`
	TLS      string `mapstructure:"tls"`
}

// Webhook is an HTTP receiver of events.
type Webhook struct {
	URL    string `mapstructure:"url"`
	Secret Secret `mapstructure:"secret"`
}

// Screening is the service outside that parties are screened by, where the
// policy says screening.adapter HTTP.
type Screening struct {
	URL     string        `mapstructure:"url"`
	Token   Secret        `mapstructure:"token"`
	Timeout time.Duration `mapstructure:"timeout"`
}

// Client is how people's programs reach the gateway, and how long they wait for a
// committed answer.
type Client struct {
	Gateway string        `mapstructure:"gateway"` // empty: of the standalone on the data directory, else of starter login
	Token   Secret        `mapstructure:"token"`   // empty: that of starter login
	Timeout time.Duration `mapstructure:"timeout"`
}

// Console is the gateway by which people come in, and its pages.
type Console struct {
	Listen       string `mapstructure:"listen"`
	HealthListen string `mapstructure:"health_listen"`
	// BaseURL is where people reach it, https://kam.example.com. Empty: on this
	// machine, by what Listen says.
	BaseURL string `mapstructure:"base_url"`
	TLSCert string `mapstructure:"tls_cert"`
	TLSKey  string `mapstructure:"tls_key"`
	// TrustedProxies are addresses or networks of what stands in front of it.
	TrustedProxies  []string      `mapstructure:"trusted_proxies"`
	SessionIdle     time.Duration `mapstructure:"session_idle"`
	SessionLifetime time.Duration `mapstructure:"session_lifetime"`
	TokenLifetime   time.Duration `mapstructure:"token_lifetime"`
	Providers       []Provider    `mapstructure:"providers"`
}

// A Provider is an OpenID provider that says who somebody is.
type Provider struct {
	Name         string `mapstructure:"name" yaml:"name"`   // in addresses
	Title        string `mapstructure:"title" yaml:"title"` // for people
	Issuer       string `mapstructure:"issuer" yaml:"issuer"`
	ClientID     string `mapstructure:"client_id" yaml:"client_id"`
	ClientSecret Secret `mapstructure:"client_secret" yaml:"client_secret"`
}

// Standalone is the single machine that runs everything.
type Standalone struct {
	TemporalPort int  `mapstructure:"temporal_port"`
	UIPort       int  `mapstructure:"ui_port"`
	UI           bool `mapstructure:"ui"`
	Sample       bool `mapstructure:"sample"`
	SpeakFor     bool `mapstructure:"speak_for"`
}

// Log is the log of the program, JSON lines.
type Log struct {
	Level string `mapstructure:"level"`
	File  string `mapstructure:"file"`
}

// Defaults is what holds where nothing is set.
func Defaults() Config {
	return Config{
		DataDir:  ".kamflow",
		Database: Database{MaxConns: 20},
		Temporal: Temporal{TaskQueue: "kamflow", Retention: 90 * 24 * time.Hour},
		Worker: Worker{
			Listen:         "127.0.0.1:9464",
			Deployment:     "kamflow",
			Setup:          true,
			WorkflowTasks:  200,
			Activities:     50,
			StickyCache:    600,
			GCPercent:      400,
			StopTimeout:    20 * time.Second,
			ReconcileEvery: 2 * time.Minute,
			RelayEvery:     time.Second,
		},
		Notify: Notify{
			Channel: ChannelLog,
			Timeout: 5 * time.Second,
			Mail:    Mail{Port: 587, TLS: "mandatory"},
		},
		Screening: Screening{Timeout: 20 * time.Second},
		Client:    Client{Timeout: 15 * time.Second},
		Console: Console{
			Listen: "127.0.0.1:8080", HealthListen: "127.0.0.1:9465",
			TrustedProxies: []string{}, Providers: []Provider{},
			SessionIdle: time.Hour, SessionLifetime: 12 * time.Hour, TokenLifetime: 90 * 24 * time.Hour,
		},
		Standalone: Standalone{TemporalPort: 7233, UIPort: 8233, UI: true},
		Log:        Log{Level: "info"},
	}
}
