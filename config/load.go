package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/hbollon/go-edlib"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// FileName is what is looked for where --config is not given: here, then in
// the data directory.
const FileName = "kam.yaml"

const envPrefix = "KAM"

// A Loaded configuration knows where each value came from.
type Loaded struct {
	Config Config
	File   string // "" where none was read
	// Origin says, by key, where a value came from.
	Origin map[string]string
}

// keyAnnotation ties a flag to the key that it sets.
const keyAnnotation = "kam-key"

// AddFlags gives a command the flags that all commands share.
func AddFlags(fs *pflag.FlagSet) {
	fs.String("config", "", "configuration file (default "+FileName+" here or in the data directory)")
	fs.Bool("print-config", false, "print the effective configuration, secrets hidden, and end")
	fs.StringArray("set", nil, "set any key, as in --set log.level=debug")
	Flag(fs, "data-dir", "data_dir", "directory that standalone keeps its data in")
	Flag(fs, "lang", "lang", "language of what is printed: en or zh-CN (default that of the machine: LC_ALL, LC_MESSAGES, LANG)")
	Flag(fs, "log-level", "log.level", "debug, info, warn or error")
}

// Flag adds a flag that sets a key.
func Flag(fs *pflag.FlagSet, name, key, usage string) {
	def := fmt.Sprint(leaves(Defaults())[key].Interface())
	fs.String(name, def, usage)
	fs.Lookup(name).Annotations = map[string][]string{keyAnnotation: {key}}
}

// PrintAsked says whether --print-config was given.
func PrintAsked(fs *pflag.FlagSet) bool {
	asked, err := fs.GetBool("print-config")
	return err == nil && asked
}

// Load reads file, environment and flags, and checks the result. Its errors
// name each field that is wrong.
func Load(fs *pflag.FlagSet) (Loaded, error) {
	known := leaves(Defaults())
	v := viper.New()
	v.SetEnvPrefix(envPrefix)
	l := Loaded{Origin: map[string]string{}}
	for key, def := range known {
		v.SetDefault(key, def.Interface())
		if err := v.BindEnv(key, envName(key)); err != nil {
			return l, err
		}
		l.Origin[key] = "default"
		if _, ok := os.LookupEnv(envName(key)); ok {
			l.Origin[key] = envName(key)
		}
	}
	if err := checkEnv(known); err != nil {
		return l, err
	}
	if err := l.applyFlags(v, fs, known); err != nil {
		return l, err
	}
	if err := l.readFile(v, fs, known); err != nil {
		return l, err
	}
	err := v.Unmarshal(&l.Config, viper.DecodeHook(mapstructure.StringToTimeDurationHookFunc()))
	if err != nil {
		return l, fmt.Errorf("configuration: %w", err)
	}
	return l, l.Config.Check()
}

// envName is the variable that sets a key.
func envName(key string) string {
	return envPrefix + "_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// checkEnv refuses a misspelt variable. A name that resembles none of ours may
// belong to somebody else, as the service links of Kubernetes do.
func checkEnv(known map[string]reflect.Value) error {
	names := map[string]bool{}
	for key := range known {
		names[envName(key)] = true
	}
	var errs []error
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, envPrefix+"_") || names[name] {
			continue
		}
		if near, d := nearest(name, slices.Sorted(maps.Keys(names))); d <= 2 {
			errs = append(errs, fmt.Errorf("environment: unknown variable %s; did you mean %s?", name, near))
		}
	}
	return errors.Join(errs...)
}

func (l *Loaded) applyFlags(v *viper.Viper, fs *pflag.FlagSet, known map[string]reflect.Value) error {
	if fs == nil {
		return nil
	}
	fs.Visit(func(f *pflag.Flag) {
		if key := f.Annotations[keyAnnotation]; len(key) == 1 {
			v.Set(key[0], f.Value.String())
			l.Origin[key[0]] = "--" + f.Name
		}
	})
	if fs.Lookup("set") == nil {
		return nil
	}
	pairs, err := fs.GetStringArray("set")
	if err != nil {
		return err
	}
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return fmt.Errorf("--set %s: give KEY=VALUE", pair)
		}
		if _, ok := known[key]; !ok {
			return unknownKey("--set", key, known)
		}
		v.Set(key, value)
		l.Origin[key] = "--set"
	}
	return nil
}

// readFile reads the named file, or the first found; only a named one must
// exist.
func (l *Loaded) readFile(v *viper.Viper, fs *pflag.FlagSet, known map[string]reflect.Value) error {
	path, named := os.Getenv(envPrefix+"_CONFIG"), true
	if fs != nil && fs.Lookup("config") != nil && fs.Changed("config") {
		path = fs.Lookup("config").Value.String()
	}
	if path == "" {
		named = false
		for _, candidate := range []string{FileName, filepath.Join(v.GetString("data_dir"), FileName)} {
			if info, err := os.Stat(candidate); err == nil && info.Mode().IsRegular() {
				path = candidate
				break
			}
		}
	}
	if path == "" {
		return nil
	}
	file := viper.New()
	file.SetConfigFile(path)
	file.SetConfigType("yaml")
	if err := file.ReadInConfig(); err != nil {
		if named && errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("--config %s: no such file", path)
		}
		return fmt.Errorf("read %s: %w", path, err)
	}
	l.File = path
	var errs []error
	for _, key := range slices.Sorted(slices.Values(file.AllKeys())) {
		if _, ok := known[key]; !ok {
			errs = append(errs, unknownKey(path, key, known))
			continue
		}
		if l.Origin[key] == "default" {
			l.Origin[key] = path
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	return v.MergeConfigMap(file.AllSettings())
}

func unknownKey(where, key string, known map[string]reflect.Value) error {
	keys := slices.Sorted(maps.Keys(known))
	if near, d := nearest(key, keys); d <= max(2, len(key)/3) {
		return fmt.Errorf("%s: unknown key %s; did you mean %s?", where, key, near)
	}
	return fmt.Errorf("%s: unknown key %s; --print-config lists all keys", where, key)
}

// nearest is the candidate that fewest edits away, the first of equals.
func nearest(word string, candidates []string) (string, int) {
	best, dist := "", len(word)+1
	for _, c := range candidates {
		if d := edlib.LevenshteinDistance(word, c); d < dist {
			best, dist = c, d
		}
	}
	return best, dist
}

// leaves maps each key to its value in c, in dotted form.
func leaves(c Config) map[string]reflect.Value {
	m := map[string]reflect.Value{}
	eachLeaf(reflect.ValueOf(c), "", func(key string, v reflect.Value) { m[key] = v })
	return m
}

// eachLeaf visits the settings in the order of the struct.
func eachLeaf(v reflect.Value, prefix string, visit func(key string, v reflect.Value)) {
	for i := range v.NumField() {
		key := prefix + v.Type().Field(i).Tag.Get("mapstructure")
		if v.Field(i).Kind() == reflect.Struct {
			eachLeaf(v.Field(i), key+".", visit)
			continue
		}
		visit(key, v.Field(i))
	}
}
