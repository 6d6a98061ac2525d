// The Python module: checks every array at the door, lets go of the interpreter lock, trains.

#include <nanobind/stl/optional.h>

#include <optional>
#include <vector>

#include "array_functions.hpp"
#include "checks.hpp"
#include "lane.hpp"
#include "samples.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using trainlab::Lane;
using trainlab::Layer;
using trainlab::Samples;
using trainlab::Training;

using trainlab::copied;
using trainlab::Filled;
using trainlab::Given;
using trainlab::Integers;
using trainlab::length;
using trainlab::require;

constexpr std::int64_t LAYER_FIELDS = 9;

// A lane as Python has it.
template <class T>
struct BoundLane {
    BoundLane(const Given<std::int64_t, 2>& layers, std::int64_t loss,
              const Given<double, 2>& settings, const Integers& rules, const Integers& slots,
              const Given<std::uint64_t, 1>& seeds, const Integers& seed_places)
        : lane(trainlab::Members<T>(
              read_layers(layers, length(settings.shape(1))), read_flat(layers), checked_loss(loss),
              std::vector<double>(settings.data(), settings.data() + settings.size()),
              length(settings.shape(1)), checked_rules(rules, slots, length(settings.shape(0))),
              copied(slots), copied(seeds),
              checked_places(seed_places, length(rules.shape(0)), length(seeds.shape(0))))) {}

    BoundLane(const BoundLane&) = delete;
    BoundLane& operator=(const BoundLane&) = delete;

    // Slot -1 stands for the parameters, -2 for the buffers.
    void load(std::int64_t row, std::int64_t slot, const Given<T, 1>& flat) {
        check_slot(row, slot, length(flat.shape(0)));
        if (slot == -2)
            lane.members().load_buffers(row, flat.data());
        else
            lane.members().load(row, slot, flat.data());
    }
    void fill(std::int64_t row, std::int64_t slot, double value) {
        check_slot(row, slot, lane.members().flat_params());
        require(slot >= 0, "only slots can be filled");
        lane.members().fill(row, slot, static_cast<T>(value));
    }
    void read(std::int64_t row, std::int64_t slot, const Filled<T, 1>& out) const {
        check_slot(row, slot, length(out.shape(0)));
        if (slot == -2)
            lane.members().read_buffers(row, out.data());
        else
            lane.members().read(row, slot, out.data());
    }

    void keep(const Integers& rows, const Given<std::uint64_t, 1>& seeds,
              const Integers& seed_places) {
        for (std::size_t i = 0; i < rows.shape(0); ++i)
            require(rows(i) >= 0 && rows(i) < lane.members().size() &&
                        (i == 0 || rows(i - 1) < rows(i)),
                    "rows must rise");
        lane.members().keep(
            copied(rows), copied(seeds),
            checked_places(seed_places, length(rows.shape(0)), length(seeds.shape(0))));
    }

    std::int64_t train(const Samples<T>& samples, const Given<std::int64_t, 3>& batches,
                       const Given<double, 3>& coefficients, std::int64_t first_step,
                       std::int64_t threads, const nb::callable& interrupted,
                       const Filled<T, 2>& losses, const Filled<std::int64_t, 1>& diverged) {
        samples.check(lane.members().network(), true);
        const std::int64_t seeds = length(batches.shape(0)), steps = length(batches.shape(1)),
                           batch = length(batches.shape(2));
        require(seeds == lane.members().seed_count() && batch > 0, "batches do not fit");
        check_rows(batches.data(), length(batches.size()), samples);
        const std::int64_t by_step = length(coefficients.shape(0)),
                           by_member = length(coefficients.shape(1)),
                           numbers = length(coefficients.shape(2));
        require((by_step == steps || by_step == 1) &&
                    (by_member == lane.members().size() || by_member == 1) &&
                    numbers == trainlab::COEFFICIENTS,
                "coefficients do not fit");
        require(length(losses.shape(0)) == lane.members().size() &&
                    length(losses.shape(1)) == steps &&
                    length(diverged.shape(0)) == lane.members().size(),
                "room for results does not fit");
        require(threads > 0 && threads <= 4096 && first_step >= 0, "threads must be positive");
        Training<T> training{};
        training.coefficients = coefficients.data();
        training.member_stride = by_member == 1 ? 0 : numbers;
        training.step_stride = by_step == 1 ? 0 : by_member * numbers;
        training.first_step = first_step;
        training.steps = steps;
        training.losses = losses.data();
        training.diverged = diverged.data();
        if (lane.members().size() == 0 || nb::cast<bool>(interrupted())) return 0;
        nb::gil_scoped_release released;
        return lane.train(samples.rows, batches.data(), batch, training, threads, [&] {
            nb::gil_scoped_acquire held;
            return nb::cast<bool>(interrupted());
        });
    }

    void evaluate(const Samples<T>& samples, std::int64_t threads, const Filled<double, 1>& loss,
                  const Filled<double, 1>& right) {
        samples.check(lane.members().network(), true);
        check_sums(loss, right);
        require(threads > 0 && threads <= 4096, "threads must be positive");
        nb::gil_scoped_release released;
        lane.evaluate(samples.rows, threads, loss.data(), right.data());
    }

    void evaluate_batch(const Samples<T>& samples, const Given<std::int64_t, 2>& batch,
                        const Filled<double, 1>& loss, const Filled<double, 1>& right) {
        samples.check(lane.members().network(), true);
        check_sums(loss, right);
        require(length(batch.shape(0)) == lane.members().seed_count() && batch.shape(1) > 0,
                "the batch does not fit");
        check_rows(batch.data(), length(batch.size()), samples);
        nb::gil_scoped_release released;
        lane.evaluate_batch(samples.rows, batch.data(), length(batch.shape(1)), loss.data(),
                            right.data());
    }

    void outputs(const Samples<T>& samples, std::int64_t threads, const Filled<T, 3>& out) {
        samples.check(lane.members().network(), false);
        require(length(out.shape(0)) == lane.members().size() &&
                    length(out.shape(1)) == samples.rows.count &&
                    length(out.shape(2)) == lane.members().network().outputs,
                "room for outputs does not fit");
        require(threads > 0 && threads <= 4096, "threads must be positive");
        nb::gil_scoped_release released;
        lane.outputs(samples.rows, threads, out.data());
    }

    Lane<T> lane;

  private:
    static std::int64_t slots_of(std::int64_t rule) {
        switch (rule) {
            case trainlab::SGD: return 0;
            case trainlab::ADAM:
            case trainlab::NADAM: return 2;
            case trainlab::AMSGRAD:
            case trainlab::AMSGRAD_CORRECTED: return 3;
            default: return 1;
        }
    }

    static std::vector<Layer> read_layers(const Given<std::int64_t, 2>& table,
                                          std::int64_t settings) {
        require(length(table.shape(1)) == LAYER_FIELDS && table.shape(0) > 0, "layers do not fit");
        require(settings >= trainlab::FIRST_OF_LAYERS, "settings do not fit");
        std::vector<Layer> layers;
        for (std::size_t i = 0; i < table.shape(0); ++i) {
            Layer layer{};
            layer.kind = table(i, 0);
            layer.function = table(i, 1);
            layer.flag = table(i, 2);
            layer.place = table(i, 3);
            layer.setting = table(i, 4);
            layer.inputs = table(i, 5);
            layer.outputs = table(i, 6);
            require(layer.kind >= 0 && layer.kind <= trainlab::DROPOUT, "there is no such layer");
            require(layer.function >= 0 && layer.function < trainlab::FUNCTIONS,
                    "there is no such activation");
            require(layer.setting >= 0 && layer.setting + 2 <= settings, "settings do not fit");
            require(layer.inputs > 0 && layer.outputs > 0, "widths must be positive");
            require(layer.kind == trainlab::DENSE || layer.inputs == layer.outputs,
                    "widths do not fit");
            require(layers.empty() || layers.back().outputs == layer.inputs, "layers do not fit");
            layers.push_back(layer);
        }
        require(layers.front().kind == trainlab::DENSE && layers.back().kind == trainlab::DENSE,
                "the first and the last layer must be dense");
        return layers;
    }

    // Where the parameters and the buffers of each layer begin in flat arrays.
    static std::vector<std::int64_t> read_flat(const Given<std::int64_t, 2>& table) {
        std::vector<std::int64_t> flat;
        std::int64_t params = 0, buffers = 0;
        for (std::size_t i = 0; i < table.shape(0); ++i) {
            require(table(i, 7) == params && table(i, 8) == buffers, "arrays must have no gaps");
            flat.push_back(params);
            flat.push_back(buffers);
            const std::int64_t kind = table(i, 0), in = table(i, 5), out = table(i, 6);
            if (kind == trainlab::DENSE) params += (in + 1) * out;
            if (kind == trainlab::BATCH_NORM) buffers += 2 * out;
            if (kind == trainlab::BATCH_NORM || kind == trainlab::LAYER_NORM) params += 2 * out;
        }
        return flat;
    }

    static std::int64_t checked_loss(std::int64_t loss) {
        require(loss >= 0 && loss < trainlab::LOSSES, "there is no such loss");
        return loss;
    }

    static std::vector<std::int64_t> checked_rules(const Integers& rules, const Integers& slots,
                                                   std::int64_t members) {
        require(length(rules.shape(0)) == members && length(slots.shape(0)) == members,
                "members do not fit");
        for (std::size_t k = 0; k < rules.shape(0); ++k) {
            require(rules(k) >= 0 && rules(k) < trainlab::RULES, "there is no such rule");
            require(slots(k) == slots_of(rules(k)), "slots do not fit the rule");
        }
        return copied(rules);
    }

    static std::vector<std::int64_t> checked_places(const Integers& places, std::int64_t members,
                                                    std::int64_t seeds) {
        require(length(places.shape(0)) == members, "places of seeds do not fit");
        for (std::size_t k = 0; k < places.shape(0); ++k)
            require(places(k) >= 0 && places(k) < seeds, "places of seeds do not fit");
        return copied(places);
    }

    void check_slot(std::int64_t row, std::int64_t slot, std::int64_t size) const {
        require(row >= 0 && row < lane.members().size(), "there is no such row");
        require(slot >= -2 && slot < lane.members().slots(row), "there is no such slot");
        require(size == (slot == -2 ? lane.members().flat_buffers() : lane.members().flat_params()),
                "the array does not fit");
    }

    static void check_rows(const std::int64_t* rows, std::int64_t count,
                           const Samples<T>& samples) {
        bool fit = true;  // no branch for each: they are many
        for (std::int64_t i = 0; i < count; ++i)
            fit &= rows[i] >= 0 && rows[i] < samples.rows.count;
        require(fit, "batches must be rows");
    }

    void check_sums(const Filled<double, 1>& loss, const Filled<double, 1>& right) const {
        require(length(loss.shape(0)) == lane.members().size() &&
                    length(right.shape(0)) == lane.members().size(),
                "room for sums does not fit");
    }
};

// Fills out (seeds, count) with the permutations of their streams.
void permutations(const Given<std::uint64_t, 1>& seeds, std::uint64_t packed,
                  const Filled<std::int64_t, 2>& out, std::int64_t threads) {
    const std::int64_t count = length(out.shape(1));
    require(threads > 0, "threads must be positive");
    require(out.shape(0) == seeds.shape(0), "room for permutations does not fit");
    require(count < std::int64_t{1} << 32, "a permutation of so many is not drawn here");
    const trainlab::InstructionSet& set = *trainlab::instruction_set();
    nb::gil_scoped_release released;
    trainlab::run(length(seeds.shape(0)), threads, [&](std::int64_t i, std::int64_t) {
        set.permutation(seeds.data()[i], packed, count, out.data() + i * count);
    });
}

template <class T>
void bind(nb::module_& module, const char* samples, const char* lane) {
    nb::class_<Samples<T>>(module, samples)
        .def(nb::init<Given<T, 1>, std::int64_t, std::optional<Integers>,
                      std::optional<Given<std::int32_t, 1>>, std::optional<Integers>,
                      std::optional<Given<T, 2>>, std::optional<Given<T, 1>>>(),
             "x"_a, "features"_a, "starts"_a.none(), "columns"_a.none(), "classes"_a.none(),
             "targets"_a.none(), "weight"_a.none())
        .def_prop_ro("is_sparse", [](const Samples<T>& own) { return own.rows.is_sparse; });
    using Bound = BoundLane<T>;
    nb::class_<Bound>(module, lane)
        .def(nb::init<const Given<std::int64_t, 2>&, std::int64_t, const Given<double, 2>&,
                      const Integers&, const Integers&, const Given<std::uint64_t, 1>&,
                      const Integers&>())
        .def("load", &Bound::load)
        .def("fill", &Bound::fill)
        .def("read", &Bound::read)
        .def("keep", &Bound::keep)
        .def("train", &Bound::train)
        .def("evaluate", &Bound::evaluate)
        .def("evaluate_batch", &Bound::evaluate_batch)
        .def("outputs", &Bound::outputs);
}

}  // namespace

NB_MODULE(_native, module) {
    nb::set_leak_warnings(false);
    const trainlab::InstructionSet* set = trainlab::instruction_set();
    if (!set)
        throw nb::import_error("TRAINLAB_NATIVE_ISA names no instruction set of this machine");
    module.attr("isa") = set->name;
    module.def("permutations", permutations);
    bind<float>(module, "Samples32", "Lane32");
    bind<double>(module, "Samples64", "Lane64");
    trainlab::bind_array_functions(module, set->of_arrays);
}
