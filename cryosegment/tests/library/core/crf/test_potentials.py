# SPDX-License-Identifier: GPL-3.0-or-later
import torch

from cryosegment.core.crf.exact import DenseKernel
from cryosegment.core.crf.potentials import conditional_logits, pairwise_term

KERNEL = torch.tensor([[1.0, 0.5, 0.0], [0.5, 1.0, 0.25], [0.0, 0.25, 1.0]])


def test_normalisation_is_symmetric() -> None:
    term = pairwise_term(2.0, DenseKernel(KERNEL), torch.ones(1, 3))
    scale = torch.diag(KERNEL.sum(1) ** -0.5)
    field = torch.tensor([[1.0, -0.5, 0.25]])
    expected = 2.0 * scale @ KERNEL @ scale @ field[0]
    torch.testing.assert_close(term.message(field)[0], expected)


def test_invalid_pixels_neither_send_nor_hear() -> None:
    term = pairwise_term(1.0, DenseKernel(KERNEL), torch.tensor([[1.0, 1.0, 0.0]]))
    heard = term.message(torch.tensor([[1.0, 0.0, 1.0]]))[0]
    expected = torch.tensor([1 / 1.5, 0.5 / 1.5, 0.0])
    torch.testing.assert_close(heard, expected)


def test_conditional_logits_add_unary_and_every_term() -> None:
    terms = [pairwise_term(w, DenseKernel(KERNEL), torch.ones(1, 3)) for w in (1.0, 3.0)]
    unary, field = torch.tensor([[0.5, 0.0, -1.0]]), torch.tensor([[1.0, -1.0, 0.0]])
    expected = unary + 4 * terms[0].message(field)
    torch.testing.assert_close(conditional_logits(unary, terms, field), expected)
    assert torch.equal(conditional_logits(unary, [], field), unary)
