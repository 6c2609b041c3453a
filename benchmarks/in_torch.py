"""Time PyTorch: a loop for each seed, many seeds by `torch.func`, and the identity on MNIST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from mnist import BATCH, PIXELS, images
from theory import assert_falls, assert_learnt
from timing import Work
from torch import nn
from torch.func import grad, vmap

STEPS, LEARNING_RATE = 2000, 0.01

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def _finished(work: Callable[[], Any]) -> Callable[[], Any]:
    """Make a call that ends when the GPU has finished."""

    def call() -> Any:
        result = work()
        if DEVICE == "cuda":
            torch.cuda.synchronize()
        return result

    return call


def _train_one() -> None:
    dense = nn.Linear(1, 1, bias=False, device=DEVICE)
    nn.init.xavier_uniform_(dense.weight)
    start = dense.weight.item()
    model, loss_of = nn.Sequential(dense, nn.ReLU()), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), LEARNING_RATE)
    for _ in range(STEPS):
        x = torch.randn(1000, 1, device=DEVICE)
        optimizer.zero_grad()
        loss_of(model(x), torch.relu(x)).backward()
        optimizer.step()
    assert_learnt(start, dense.weight.item(), STEPS)


def relu_to_relu() -> Work:
    """Train seeds one after the other for the whole protocol."""
    torch.manual_seed(0)
    _train_one()
    return Work(_finished(_train_one), 1)


def relu_to_relu_at_once(seeds: int, steps: int) -> Work:
    """Train some steps of many seeds by `vmap(grad)`; counted in seeds of 2,000 steps."""
    torch.manual_seed(0)

    def loss(w: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return ((torch.relu(w * x) - torch.relu(x)) ** 2).mean()

    gradients = vmap(grad(loss))

    def train(w: torch.Tensor) -> torch.Tensor:
        for _ in range(steps):
            w = w - LEARNING_RATE * gradients(w, torch.randn(seeds, 1000, device=DEVICE))
        return w

    start = (torch.rand(seeds, device=DEVICE) * 2 - 1) * 3**0.5
    assert_learnt(start.cpu(), train(start).cpu(), steps)
    return Work(_finished(lambda: train(start)), seeds * steps / STEPS)


def identity(layers: int, steps: int) -> Work:
    """Train a number of steps on MNIST, counted in samples."""
    torch.manual_seed(0)
    x = torch.from_numpy(images(steps * BATCH)).to(DEVICE)
    dense = [nn.Linear(PIXELS, PIXELS, device=DEVICE) for _ in range(layers)]
    for layer in dense:
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
    model = nn.Sequential(*(part for layer in dense for part in (layer, nn.ReLU())))
    optimizer = torch.optim.RMSprop(model.parameters(), 1e-3, alpha=0.9, eps=1e-7)
    loss_of = nn.MSELoss()

    def train() -> torch.Tensor:
        recorded = torch.zeros(2, device=DEVICE)
        for chosen in torch.randperm(len(x), device=DEVICE).split(BATCH):
            batch = x[chosen]
            prediction = model(batch)
            loss = loss_of(prediction, batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():  # the source summaries both
                percentage = 100 * ((batch - prediction).abs() / batch.abs().clamp(min=1e-7)).mean()
                recorded += torch.stack([loss.detach(), percentage])
        return recorded / steps

    with torch.no_grad():
        before = loss_of(model(x), x).item()
    train()
    with torch.no_grad():
        assert_falls(before, loss_of(model(x), x).item())
    return Work(_finished(train), len(x))
