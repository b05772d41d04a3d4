package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
)

// ports remembers which port each service had, because people keep addresses
// in bookmarks and scripts.
type ports struct {
	path string
	last map[string]int
}

func loadPorts(path string) (*ports, error) {
	p := &ports{path: path, last: map[string]int{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read ports of the last start: %w", err)
	}
	if err := json.Unmarshal(text, &p.last); err != nil {
		return nil, fmt.Errorf("read ports of the last start from %s: %w", path, err)
	}
	return p, nil
}

// choose returns the first that is free: the last one, the wanted one, any.
func (p *ports) choose(service string, want int) (int, error) {
	for _, candidate := range []int{p.last[service], want} {
		if candidate == 0 {
			continue
		}
		if port, err := probe(candidate); err == nil {
			return port, p.remember(service, port)
		}
	}
	port, err := probe(0)
	if err != nil {
		return 0, fmt.Errorf("find a port for %s: %w", service, err)
	}
	return port, p.remember(service, port)
}

// probe takes a port for a moment; 0 stands for any.
func probe(port int) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

func (p *ports) remember(service string, port int) error {
	p.last[service] = port
	text, err := json.Marshal(p.last)
	if err != nil {
		return err
	}
	if err := os.WriteFile(p.path, text, 0o600); err != nil {
		return fmt.Errorf("remember the port of %s: %w", service, err)
	}
	return nil
}
