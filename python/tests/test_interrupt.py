# SPDX-License-Identifier: MIT
"""A signal ends a fit that would otherwise go on for days, and other threads run meanwhile."""
import pytest

SCRIPT = """
import os, signal, sys, threading
import numpy as np
import omnimeans

class Stop(Exception):
    pass

def handler(number, frame):
    raise Stop

signal.signal(signal.SIGUSR1, handler)
X = np.random.default_rng(0).normal(size=(2000, 4))
fits = {
    "kmeans": lambda n_init: omnimeans.kmeans(X, 50, tol=0, n_init=n_init),
    "KMeans": lambda n_init: omnimeans.KMeans(50, tol=0, n_init=n_init).fit(X),
}
fit = fits[sys.argv[1]]
fit(1)  # all is imported that will be
gate = threading.Lock()
gate.acquire()

def interrupt():
    with gate:
        os.kill(os.getpid(), getattr(signal, sys.argv[2]))

threading.Thread(target=interrupt).start()
# From here on the other thread runs only when this one gives up the GIL of its own accord: within the fit.
sys.setswitchinterval(1e6)
gate.release()
try:
    fit(10**9)
except (KeyboardInterrupt, Stop) as e:
    print(type(e).__name__)
fit(1)
"""


@pytest.mark.parametrize("function", ["kmeans", "KMeans"])
@pytest.mark.parametrize("signal, error", [("SIGINT", "KeyboardInterrupt"), ("SIGUSR1", "Stop")])
def test_signal_ends_the_fit(run_python, function, signal, error):
    assert run_python(SCRIPT, function, signal) == error + "\n"
