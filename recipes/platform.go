package recipes

import "fmt"

// For returns what the lock pins for the platform (os/arch).
func (l *Lock) For(platform string) (LockedPlatform, error) {
	for _, p := range l.Platforms {
		if p.Platform == platform {
			return p, nil
		}
	}
	return LockedPlatform{}, fmt.Errorf("reading lock: nothing is locked for the platform %s", platform)
}
