# SPDX-License-Identifier: GPL-3.0-or-later
import cv2
import pytest
import torch

from cryosegment.cli.devices import choose_device, choose_devices, own_device, use_threads
from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.tests.machine import NO_GPU


def test_cpu_and_auto():
    assert choose_devices("cpu") == ("cpu",)
    assert choose_devices("auto") == (("cuda:0",) if torch.cuda.is_available() else ("cpu",))


@pytest.mark.parametrize("gpu", ["99", "99,100", "99 100"])
def test_a_gpu_that_is_not_there(gpu):
    with pytest.raises(InputError, match=r"GPU 99 was asked for, .* --gpu cpu"):
        choose_devices(gpu)


@pytest.mark.parametrize("gpu", ["fast", "0,x", "-1"])
def test_a_gpu_that_cannot_be(gpu):
    with pytest.raises(ParameterError, match="auto, cpu or numbers"):
        choose_devices(gpu)


def test_one_device():
    assert choose_device(" cpu ") == "cpu"
    assert choose_device("auto") == choose_devices("auto")[0]
    with pytest.raises(InputError, match="GPU 99 was asked for"):
        choose_device("99")


@pytest.mark.parametrize("gpu", ["0,1", "0 1", "99, 100"])
def test_a_second_gpu_is_not_ignored(gpu):
    with pytest.raises(ParameterError, match=f"expected one GPU for this command, got {gpu}: give"):
        choose_device(gpu)


def test_threads():
    before = torch.get_num_threads()
    try:
        for count in (2, 3):
            use_threads(count)
            assert torch.get_num_threads() == cv2.getNumThreads() == count
        use_threads(0)
        assert torch.get_num_threads() == 3
    finally:
        use_threads(before)


def test_a_device_for_each_process():
    assert own_device("cpu", 3) == "cpu"
    first = own_device("auto", 0)
    assert first == ("cuda:0" if torch.cuda.is_available() else "cpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_GPU)
def test_more_processes_than_gpus():
    with pytest.raises(InputError, match="a GPU for each process"):
        own_device("0", 1)
