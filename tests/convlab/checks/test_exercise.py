"""Every kind of exercise that the course needs, and the three steps from a description to a verdict."""

import multiprocessing
import pickle
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from convlab.checks import calls, sliding_window
from convlab.checks.draw import LAYOUTS, Draw
from convlab.checks.exercise import Exercise, Misconception, case, question
from convlab.checks.plain import Other, Raised, plain
from grader.mutants import hand_in, named

COMMON = {"points": 2, "difficulty": 1, "minutes": 5}


def assert_judges(exercise, wrong=()):
    """The reference gets full marks, and each misconception of `exercise` and each of `wrong` loses some."""
    assert hand_in(exercise, exercise.reference).points == exercise.points
    for misconception in exercise.misconceptions:
        verdict = hand_in(exercise, misconception.variant)
        assert verdict.points < exercise.points, misconception.name
        assert named(misconception, verdict), verdict.text
    for work in wrong:
        assert hand_in(exercise, work).points < exercise.points, work


class TestKinds:
    def test_several_return_values(self):
        def cases(draw):
            for _ in range(5):
                yield case("any", x=draw.tensor(*draw.unequal(2, 5)))

        exercise = Exercise(
            name="extremes",
            reference=lambda x: (x.min(), x.max()),
            cases=cases,
            misconceptions=(Misconception("order swapped", lambda x: (x.max(), x.min()), "Smallest first."),),
            **COMMON,
        )
        assert_judges(exercise, wrong=[lambda x: x.min(), lambda x: [x.min(), x.max()], lambda x: (x.min(),)])

    def test_differentiable_function(self):
        def cases(draw):
            for _ in range(5):
                x, w = draw.tensor(2, 3, 5, 4), draw.tensor(4, 3, 2, 3)
                yield case("any", upstream=draw.tensor(2, 4, 4, 2), x=x, w=w)

        exercise = Exercise(
            name="conv",
            reference=lambda x, w: F.conv2d(x, w),
            cases=cases,
            call=calls.gradients,
            misconceptions=(
                Misconception("detached", lambda x, w: F.conv2d(x, w).detach(), "Keep the graph."),
                Misconception("weight detached", lambda x, w: F.conv2d(x, w.detach()), "w needs one too."),
            ),
            **COMMON,
        )
        assert_judges(exercise, wrong=[lambda x, w: F.conv2d(x, w) * 2, lambda x, w: F.conv2d(x, w)[:1]])

    def test_autograd_function(self):
        class Cube(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x**3

            @staticmethod
            def backward(ctx, g):
                return g * 3 * ctx.saved_tensors[0] ** 2

        class IgnoresUpstream(Cube):
            @staticmethod
            def backward(ctx, g):
                return 3 * ctx.saved_tensors[0] ** 2

        exercise = Exercise(
            name="Cube",
            reference=Cube,
            cases=lambda draw: (case("any", upstream=draw.tensor(2, 3), x=draw.tensor(2, 3)) for _ in range(5)),
            call=lambda work, **inputs: calls.gradients(work.apply, **inputs),
            misconceptions=(Misconception("upstream ignored", IgnoresUpstream, "Multiply by g."),),
            **COMMON,
        )
        assert_judges(exercise)

    def test_in_place_initialiser(self):
        def build(weight):
            conv = nn.Conv2d(3, 2, 3, bias=False).to(weight.dtype)
            with torch.no_grad():
                conv.weight.copy_(weight)
            return conv

        def halve(conv):
            with torch.no_grad():
                conv.weight.mul_(0.5)

        def replace_parameter(conv):
            conv.weight = nn.Parameter(conv.weight.detach() / 2)

        def freeze(conv):
            halve(conv)
            conv.weight.requires_grad_(False)

        exercise = Exercise(
            name="halve_",
            reference=halve,
            cases=lambda draw: (case("any", weight=draw.tensor(2, 3, 3, 3)) for _ in range(3)),
            call=calls.in_place(build),
            misconceptions=(
                Misconception("Parameter replaced", replace_parameter, "Fill it."),
                Misconception("frozen", freeze, "It has to stay trainable."),
            ),
            **COMMON,
        )
        assert_judges(exercise, wrong=[lambda conv: None])

    def test_module(self):
        def cases(draw):
            for bias in (True, False):
                conv = nn.Conv2d(2, 3, (2, 3), stride=(2, 1), bias=bias)
                state = {name: draw.tensor(*one.shape) for name, one in conv.state_dict().items()}
                x = draw.tensor(2, 2, 5, 6)
                arguments = {
                    "in_channels": 2,
                    "out_channels": 3,
                    "kernel_size": (2, 3),
                    "stride": (2, 1),
                    "bias": bias,
                }
                yield case(f"bias={bias}", arguments=arguments, state=state, x=x, upstream=draw.tensor(2, 3, 2, 4))

        class PlainTensor(nn.Module):
            def __init__(self, **arguments):
                super().__init__()
                conv = nn.Conv2d(**arguments)
                self.register_buffer("weight", conv.weight.detach())
                self.register_buffer("bias", None if conv.bias is None else conv.bias.detach())
                self.stride = conv.stride

            def forward(self, x):
                return F.conv2d(x, self.weight, self.bias, self.stride)

        class Swapped(nn.Conv2d):
            def __init__(self, **arguments):
                super().__init__(**arguments | {"stride": arguments["stride"][::-1]})

        class AlwaysBias(nn.Conv2d):
            def __init__(self, **arguments):
                super().__init__(**arguments | {"bias": True})

        exercise = Exercise(
            name="Conv2d",
            reference=nn.Conv2d,
            cases=cases,
            call=calls.module,
            misconceptions=(
                Misconception("plain tensor for Parameter", PlainTensor, "Use nn.Parameter."),
                Misconception("stride swapped", Swapped, "Height first."),
                Misconception("bias=False still a key", AlwaysBias, "register_parameter('bias', None)."),
            ),
            **COMMON,
        )
        assert_judges(exercise)

    def test_errors_that_a_constructor_must_raise(self):
        exercise = Exercise(
            name="Conv2d",
            reference=lambda groups: repr(nn.Conv2d(4, 6, 3, groups=groups)),
            cases=lambda draw: (case("groups", groups=groups) for groups in (1, 2, 3)),
            misconceptions=(
                Misconception("never refuses", lambda groups: f"Conv2d({groups})", "4 / 3 is no whole number."),
            ),
            **COMMON,
        )
        assert_judges(exercise)

    def test_training_step(self):
        def build(weight, x, y):
            model = nn.Linear(3, 1, bias=False, dtype=weight.dtype)
            model.load_state_dict({"weight": weight})
            return model, [(x, y), (x * 2, y)], torch.optim.SGD(model.parameters(), lr=0.01)

        def epoch(model, batches, optimizer, zero=True):
            for x, y in batches:
                if zero:
                    optimizer.zero_grad()
                F.mse_loss(model(x), y).backward()
                optimizer.step()
            return len(batches)

        exercise = Exercise(
            name="train_epoch",
            reference=epoch,
            cases=lambda draw: (
                case("any", weight=draw.tensor(1, 3), x=draw.tensor(4, 3), y=draw.tensor(4, 1)) for _ in range(3)
            ),
            call=calls.training(build),
            misconceptions=(
                Misconception("no zero_grad", lambda *given: epoch(*given, zero=False), "They add up."),
            ),
            **COMMON,
        )
        assert_judges(exercise, wrong=[lambda model, batches, optimizer: len(batches)])

    def test_question(self):
        exercise = question(
            "colour",
            calls.digest("colour", "b"),
            Misconception("says a", calls.digest("colour", "a"), "Not a, because."),
        )
        assert exercise.check(" B ").points == 1
        wrong = exercise.check("a")
        assert (wrong.points, wrong.misconception) == (0, "says a")
        assert "Not a, because." in wrong.text
        assert "this is not the answer" in exercise.check("z").text
        assert "no answer yet" in exercise.check(None).text
        assert "sha256" not in exercise.check("z").text + wrong.text

    def test_comparison_of_its_own(self):
        exercise = Exercise(
            name="init",
            reference=lambda n: torch.randn(n).std(),
            cases=lambda draw: [case("spread", n=10_000)],
            compare=lambda actual, expected: None if abs(actual - expected) < 0.05 else "the spread is off",
            misconceptions=(Misconception("uniform", lambda n: torch.rand(n).std(), "Normal was asked."),),
            **COMMON,
        )
        assert_judges(exercise)


def in_another_process(connection):
    """The untrusted side: gets pickled cases, returns pickled outcomes."""
    name, cases = pickle.loads(connection.recv_bytes())
    exercise = getattr(sliding_window, name)
    outcomes = [exercise.run(STUDENT[name], one) for one in cases]
    connection.send_bytes(pickle.dumps(outcomes))


def student_correlate(x, k):
    out = torch.zeros(x.shape[0] - k.shape[0] + 1, x.shape[1] - k.shape[1] + 1)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (x[i : i + k.shape[0], j : j + k.shape[1]] * k).sum()
    return out


STUDENT = {"cross_correlate2d": student_correlate, "predicted_shape": "a"}
PLAIN = (bool, int, float, str, torch.Tensor, Raised, Other, type(None))


def is_plain(value):
    if isinstance(value, dict):
        value = list(value.values())
    return all(map(is_plain, value)) if isinstance(value, list | tuple) else type(value) in PLAIN


class TestSteps:
    @pytest.mark.parametrize("name", STUDENT)
    def test_the_middle_step_can_run_elsewhere(self, name):
        exercise = getattr(sliding_window, name)
        cases = exercise.draw(7)
        here, there = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=in_another_process, args=(there,))
        process.start()
        here.send_bytes(pickle.dumps((name, cases)))
        outcomes = pickle.loads(here.recv_bytes())
        process.join()
        assert all(is_plain(one.inputs) for one in cases)
        assert all(is_plain(one.value) for one in outcomes)
        assert exercise.judge(cases, outcomes) == exercise.check(STUDENT[name], 7)

    def test_the_same_seed_gives_the_same_cases_and_another_seed_others(self):
        def inputs(seed):
            return [one.inputs["x"].tolist() for one in sliding_window.cross_correlate2d.draw(seed)]

        assert inputs(3) == inputs(3)
        assert inputs(3)[0] == inputs(4)[0]  # the worked example
        assert inputs(3)[1:] != inputs(4)[1:]

    def test_worked_example_comes_first_and_is_the_one_in_the_notebook(self):
        x, k = sliding_window.cross_correlate2d.draw(0)[0].inputs.values()
        assert sliding_window.cross_correlate2d.draw(0)[0].aspect == "the worked example"
        assert torch.equal(x, torch.tensor([[1.0, 2, 3, 0], [0, 1, 2, 3], [3, 0, 1, 2]]))
        assert torch.equal(k, torch.tensor([[1.0, 2], [0, -1]]))

    def test_cases_vary_what_the_plan_asks_for(self):
        cases = sliding_window.cross_correlate2d.draw(0)
        random = [(one.inputs["x"], one.inputs["k"]) for one in cases[1:]]
        assert len(random) >= 20
        assert all(k.shape[0] != k.shape[1] for _, k in random)
        assert all(x.shape[0] >= k.shape[0] and x.shape[1] >= k.shape[1] for x, k in random)
        assert any(not x.is_contiguous() for x, _ in random)
        assert {x.dtype for x, _ in random} == {torch.int64, torch.float32, torch.float64}
        assert any(x.shape[0] > x.shape[1] for x, _ in random)
        assert any(x.shape[0] < x.shape[1] for x, _ in random)


class TestVerdict:
    exercise = sliding_window.cross_correlate2d

    def check(self, work):
        return self.exercise.check(work)

    def test_call_prints_the_verdict_on_stdout_and_returns_a_bare_float(self, capsys):
        points = self.exercise(student_correlate)
        printed = capsys.readouterr()
        assert type(points) is float
        assert points == 6.0
        assert printed.out == self.check(student_correlate).text + "\n"
        assert printed.err == ""

    def test_partial_credit_names_what_failed_and_never_claims_more_than_was_tested(self):
        verdict = self.check(student_correlate)
        assert verdict.failed == ("other dtypes",)
        assert "3 of 4 visible checks passed, 6 of 8 points" in verdict.text
        assert verdict.misconception == "result always float32"
        assert "correct" not in verdict.text.lower()

    def test_shows_the_smallest_case_with_what_came_out_and_what_was_expected(self):
        verdict = sliding_window.output_size.check(lambda n, k: n - k + 2 if k <= n else self.fail())
        assert "n = 1\n  k = 1\n  yours = 2\n  expected = 1\n" in verdict.text
        assert verdict.misconception is None

    @staticmethod
    def fail():
        raise ValueError

    def test_exception_shows_the_students_own_line(self):
        def work(x, k):
            return x[k.shape[0] + 99, 0]

        verdict = self.check(work)
        assert verdict.points == 0
        assert "IndexError" in verdict.text
        assert "return x[k.shape[0] + 99, 0]" in verdict.text
        assert "Traceback" not in verdict.text

    def test_exit_does_not_get_out(self):
        assert "SystemExit" in self.check(lambda x, k: exit(3)).text

    def test_keyboard_interrupt_does(self):
        def work(x, k):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            self.check(work)

    def test_stub_scores_nothing_and_is_told_so_without_a_case(self):
        def work(x, k):
            raise NotImplementedError()

        verdict = self.check(work)
        assert verdict.points == 0
        assert verdict.text.splitlines()[1].startswith("  → it is not written yet")
        assert "expected =" not in verdict.text

    def test_an_error_of_torch_is_not_taken_for_the_stub(self):
        def work(x, k):
            raise NotImplementedError("argmax(): does not support bool input")

        text = self.check(work).text
        assert "NotImplementedError: argmax(): does not support bool input" in text
        assert "not written yet" not in text

    def test_missing_return_is_told_so(self):
        verdict = self.check(lambda x, k: None)
        assert verdict.points == 0
        assert "is there a `return`?" in verdict.text

    def test_wrong_number_of_parameters_is_told_so(self):
        assert "TypeError" in self.check(lambda x: x).text

    def test_something_that_is_no_function_is_told_so(self):
        assert "not callable" in self.check(3).text

    def test_numpy_array_for_a_tensor_is_told_so(self):
        assert "ndarray" in self.check(lambda x, k: student_correlate(x, k).numpy()).text

    def test_input_changed_in_place_loses_points(self):
        def work(x, k):
            out = student_correlate(x, k).to(torch.promote_types(x.dtype, k.dtype))
            x.zero_()
            return out

        verdict = self.check(work)
        assert verdict.points == 0
        assert "changed its input x" in verdict.text

    @pytest.mark.parametrize(
        "work",
        [
            lambda x, k: F.conv2d(x[None, None], k[None, None])[0, 0],
            lambda x, k: getattr(torch, "conv" + "2d")(x[None, None], k[None, None])[0, 0],
            lambda x, k: torch.ops.aten.convolution(
                x[None, None], k[None, None], None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1
            )[0, 0],
        ],
    )
    def test_library_convolution_gets_nothing_and_says_why(self, work):
        verdict = self.check(work)
        assert verdict.points == 0
        assert "PyTorch's own convolution" in verdict.text

    def test_scipy_gets_nothing_and_says_why(self):
        from scipy.signal import correlate2d

        verdict = self.check(lambda x, k: torch.as_tensor(correlate2d(x, k, mode="valid")))
        assert verdict.points == 0
        assert "scipy.signal" in verdict.text

    def test_what_the_students_code_prints_is_swallowed(self, capsys):
        import sys
        import warnings

        def work(x, k):
            print("hello")
            print("trouble", file=sys.stderr)
            warnings.warn("careful", stacklevel=1)
            return student_correlate(x, k)

        self.exercise(work)
        printed = capsys.readouterr()
        assert printed.err == ""
        assert "hello" not in printed.out

    def test_nan_and_inf_are_wrong(self):
        assert self.check(lambda x, k: student_correlate(x, k) * float("nan")).points == 0
        assert self.check(lambda x, k: student_correlate(x, k) * float("inf")).points == 0

    @pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-4), (torch.float64, 1e-8)])
    def test_tolerance_does_not_let_a_small_error_pass(self, dtype, error):
        exercise = replace(
            self.exercise,
            cases=lambda draw: (
                case("any", x=draw.tensor(6, 5, dtype=dtype), k=draw.tensor(3, 2, dtype=dtype)) for _ in range(5)
            ),
        )
        right = exercise.reference
        assert hand_in(exercise, right).points == exercise.points
        assert hand_in(exercise, lambda x, k: right(x, k) + right(x, k).abs().max() * error).points == 0

    def test_two_mistakes_still_name_the_one_that_explains_most(self):
        verdict = sliding_window.output_size.check(lambda n, k: n - k)  # and no ValueError either
        assert verdict.misconception == "off by one"


class TestDraw:
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_layouts(self, layout):
        tensor = Draw(0).tensor(2, 3, 4, layout=layout)
        assert tensor.shape == (2, 3, 4)
        assert tensor.is_contiguous() == (layout == "contiguous")

    def test_values_are_never_zero(self):
        assert (Draw(1).tensor(50, 50) != 0).all()
        assert (Draw(1).tensor(50, 50, dtype=torch.int64) != 0).all()

    def test_unequal_gives_every_pair_of_different_numbers(self):
        draw = Draw(0)
        pairs = {draw.unequal(1, 3) for _ in range(200)}
        assert pairs == {(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)}


class TestPlain:
    def test_subclasses_and_objects_become_plain(self):
        assert type(plain(nn.Parameter(torch.ones(2)))) is torch.Tensor
        assert plain(object()) == Other("object")
        assert is_plain(plain({"a": (1, [torch.ones(1), None, object()])}))

    def test_a_lying_object_does_not_pass(self):
        class Liar:
            def __eq__(self, other):
                return True

            def __float__(self):
                return 1.0

        assert sliding_window.output_size.check(lambda n, k: Liar()).points == 0
