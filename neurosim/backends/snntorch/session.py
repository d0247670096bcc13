"""Closed loops in torch: a stepper that is kept between calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from neurosim.backends.session import Session, StepOutputs
from neurosim.backends.snntorch.stepper import Stepper
from neurosim.backends.states import plain_state
from neurosim.errors import BackendError
from neurosim.recording import State

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule


class TorchSession(Session):
    """A session of the torch backend, without gradients.

    Parameters
    ----------
    module
        The compiled circuit.
    seed, trials, state, record
        See :meth:`neurosim.backends.simulator.Simulator.session`.
    """

    def __init__(self, module: CircuitModule, *, seed: int, trials: int, state: State | None, record: Any) -> None:
        self.module = module
        super().__init__(module.circuit, module.program, seed=seed, trials=trials, state=state, record=record)

    @torch.no_grad()
    def _restore(self, state: State) -> None:
        self._stepper = Stepper(self.module, state, exact=self.module.exact, events=True)

    def _convert(self, rows: np.ndarray) -> Tensor:
        stepper = self._stepper  # the module looks for its device each time
        return torch.from_numpy(np.array(rows)).to(device=stepper.device, dtype=stepper.dtype)

    def step(self, inputs: Mapping[str, Any] | None = None, n: int = 1) -> StepOutputs:
        """Advance by some steps (see :meth:`neurosim.backends.session.Session.step`).

        Raises
        ------
        BackendError
            If the module was moved, or its dtype changed, since the session began.
        """
        stepper, module = self._stepper, self.module
        if stepper.device != module.device or stepper.dtype != module.torch_dtype:
            raise BackendError(
                f"session: the module is now in {module.torch_dtype} on {module.device}, but this session began in "
                f"{stepper.dtype} on {stepper.device}. Call reset(), or go on in a new one: "
                "module.session(state=loop.state)."
            )
        return super().step(inputs, n)

    @torch.no_grad()
    def _advance(self, rows: Mapping[str, Any], noise: Mapping[str, Mapping[str, Any]]) -> None:
        self._stepper.step(rows, noise)

    def _mark_spikes(self, name: str, spikes: np.ndarray) -> None:
        spikes[:] = (self._stepper.spikes[name] != 0).cpu().numpy()

    @torch.no_grad()
    def _read(self, name: str, variable: str) -> np.ndarray:
        return np.array(self._stepper.value(name, variable).detach().cpu().numpy(), dtype=np.float64)

    def _state(self) -> State:
        return plain_state(self._stepper.state(self.seed))
