"""What is told of work beyond a single run, in Danish and English: calibration, searches, sweeps, comparisons."""

from __future__ import annotations

from crksim.model.network import Label

__all__ = ["EXPERIMENT_TEXTS"]

EXPERIMENT_TEXTS: dict[str, Label] = {
    "calibrating": Label(
        "Kalibrerer {blocks} dele til {members} udgaver; det beregnede gemmes i {folder}",
        "Calibrating {blocks} parts into {members} versions; what is computed is kept in {folder}",
    ),
    "calibration_step": Label(
        "{block}: trin {step}, {share} % af rapportens vægt, {effective} af {particles} udgaver tæller, "
        "{drawn} beregnet, {seconds} s",
        "{block}: step {step}, {share} % of the report's weight, {effective} of {particles} versions count, "
        "{drawn} simulated, {seconds} s",
    ),
    "goes_on": Label("{block}: går videre efter trin {step}", "{block}: goes on after step {step}"),
    "calibrated": Label("Kalibreret på {minutes} minutter: {folder}", "Calibrated in {minutes} minutes: {folder}"),
    "validating": Label(
        "Holder {members} udgaver × {futures} fremtider op mod rapporten; {numbers} kontroltal",
        "Holding {members} versions × {futures} futures beside the report; {numbers} predicted numbers",
    ),
    "wrong_model": Label("Med vilje forkert model: {label}", "A model wrong on purpose: {label}"),
    "gate_worth": Label(
        "Kontrollen stopper {caught} af {models} med vilje forkerte modeller i mindst halvdelen af tilfældene.",
        "The check stops {caught} of {models} models wrong on purpose in at least half of the cases.",
    ),
    "gate_passed": Label(
        "Kontrol mod rapporten: bestået. {chance} % af modellens egne fremtider overrasker mindst så meget.",
        "Check against the report: passed. {chance} % of the model's own futures surprise at least as much.",
    ),
    "gate_failed": Label(
        "Kontrol mod rapporten: ikke bestået. Kun {chance} % af modellens egne fremtider overrasker så meget.",
        "Check against the report: failed. Only {chance} % of the model's own futures surprise as much.",
    ),
    "validated": Label("Færdig på {minutes} minutter: {folder}", "Done in {minutes} minutes: {folder}"),
    "axis_shape": Label(
        "skal skrives LAV..HØJ, LAV..HØJ..TRIN, 4,6,8 eller times(0.8,1.2)",
        "must read LOW..HIGH, LOW..HIGH..STEP, 4,6,8 or times(0.8,1.2)",
    ),
    "axis_rising": Label(
        "skal stige, med et trin mellem nul og afstanden", "must rise, with a step between nothing and the distance"
    ),
    "axis_most": Label("har over {most} værdier", "has more than {most} values"),
    "axis_step": Label("kræver et trin: LAV..HØJ..TRIN", "needs a step: LOW..HIGH..STEP"),
    "one_axis": Label("præcis én adresse skal have LAV..HØJ", "exactly one address must have LOW..HIGH"),
    "no_target": Label("skal gives: target='MÅL <= VÆRDI'", "must be given: target='MEASURE <= VALUE'"),
    "solve_at_most": Label(
        "Mål: {label} højst {bound} hos mindst {chance} af {members} udgaver × {futures} fremtider",
        "Target: {label} at most {bound} in at least {chance} of {members} versions × {futures} futures",
    ),
    "solve_at_least": Label(
        "Mål: {label} mindst {bound} hos mindst {chance} af {members} udgaver × {futures} fremtider",
        "Target: {label} at least {bound} in at least {chance} of {members} versions × {futures} futures",
    ),
    "solve_turns": Label("Der skrues på: {lever}, {first} til {last}", "Turned: {lever}, {first} to {last}"),
    "solve_point": Label(
        "  {value}: {mean}; målet nået hos {reached}; {left} forlod køen, {declined} takkede nej, belastning {load}",
        "  {value}: {mean}; target reached in {reached}; {left} left the queue, {declined} declined, load {load}",
    ),
    "above": Label("over {value}", "above {value}"),
    "solve_found": Label("Mindste værdi, der når målet: {value}", "Smallest value that reaches the target: {value}"),
    "solve_lowest": Label(
        "Målet er nået allerede ved den laveste værdi, {value}; den mindste kan ligge lavere.",
        "The target is reached at the lowest value already, {value}; the smallest may be lower.",
    ),
    "solve_none": Label("Ingen værdi til og med {last} når målet.", "No value up to {last} reaches the target."),
    "solve_interval": Label(
        "Udgavernes egen mindste værdi: {middle} i midten, 9 ud af 10 mellem {low} og {high}",
        "The versions' own smallest value: {middle} in the middle, 9 in 10 between {low} and {high}",
    ),
    "solve_sham": Label(
        "Tæller ikke: {values} når kun målet på papiret. Ved {value} forlod over {most} køen uden en plads hos {left} "
        "af udgaverne, og hos {load} er efterspørgslen mindst det, pladserne kan klare, så køen vokser eller holdes "
        "nede af dem, der går.",
        "Does not count: {values} only reaches the target on paper. At {value}, over {most} left the queue without a "
        "place in {left} of the versions, and in {load} demand is at least what the places can serve, so the queue "
        "grows or is held down by those who leave.",
    ),
    "solve_hidden": Label(
        "Bemærk: efterspørgslen er {load} af det, pladserne kan klare, så køen vokser ud over den viste tid.",
        "Note: demand is {load} of what the places can serve, so the queue grows beyond the time shown.",
    ),
    "solve_no_load": Label(
        "Bemærk: belastningen kan ikke beregnes, så en kø, der vokser, kan være skjult.",
        "Note: the load cannot be worked out, so a queue that grows may be hidden.",
    ),
    "solve_not_monotone": Label(
        "Bemærk: {against} af {members} udgaver når målet ved en værdi og ikke ved en større; svaret er det mindste, "
        "fra hvilket alle afprøvede værdier når det.",
        "Note: {against} of {members} versions reach the target at a value and not at a larger one; the answer is the "
        "smallest from which every value that was run reaches it.",
    ),
    "no_axis": Label(
        "mindst én adresse skal have flere værdier: 4..12, 4,6,8 eller times(0.8,1.2)",
        "at least one address must have several values: 4..12, 4,6,8 or times(0.8,1.2)",
    ),
    "grid_points": Label("gælder ikke design=grid", "is for designs other than the grid only"),
    "no_salib": Label(
        "kræver SALib: pip install 'crksim[analysis]'",
        "needs SALib: pip install 'crksim[analysis]'",
    ),
    "index_sobol": Label(
        "  {label}: alene {first} ({first_low} til {first_high}), i alt {total} ({total_low} til {total_high})",
        "  {label}: by itself {first} ({first_low} to {first_high}), in all {total} ({total_low} to {total_high})",
    ),
    "index_morris": Label(
        "  {label}: størrelse {mu_star} ({mu_star_low} til {mu_star_high}), "
        "retning {mu}, spredning {sigma}, held {noise}",
        "  {label}: size {mu_star} ({mu_star_low} to {mu_star_high}), direction {mu}, spread {sigma}, luck {noise}",
    ),
    "index_noise": Label(
        "  Af forskellen mellem punkterne er {noise} held; det er trukket fra.",
        "  Of the differences between points {noise} is luck, which is taken out.",
    ),
    "index_noise_unknown": Label(
        "  Med én fremtid vides det ikke, hvor meget der er held; intet er trukket fra.",
        "  With one future it is not known how much is luck; nothing is taken out.",
    ),
    "sweeping": Label(
        "{points} punkter × {members} udgaver × {futures} fremtider, {measures} mål; det beregnede gemmes i {folder}",
        "{points} points × {members} versions × {futures} futures, {measures} measures; results are kept in {folder}",
    ),
    "sweep_kept": Label(
        "{kept} af {points} punkter var der i forvejen", "{kept} of {points} points were there already"
    ),
    "needs_ensemble": Label(
        "skal være et ensemble: der vejes blandt udgaver, der passer med rapporten",
        "must be an ensemble: versions that agree with the report are weighed",
    ),
    "varying": Label(
        "{variants} varianter af modellens opbygning × {members} udgaver × {futures} fremtider",
        "{variants} variants of the structure × {members} versions × {futures} futures",
    ),
    "variants_of": Label("Forskel: {measure} ({unit})", "Difference: {measure} ({unit})"),
    "variant_base": Label("Modellen, som den er", "The model as it is"),
    "variant_other_luck": Label("Det samme med andet held", "The same on other luck"),
    "variant_row": Label(
        "{label}: {answer}; log-forhold {ratio} (± {error}), {effective} af {members} udgaver tæller",
        "{label}: {answer}; log ratio {ratio} (± {error}), {effective} of {members} versions count",
    ),
    "variant_row_few": Label(
        "{label}: {answer}; log-forhold {ratio} (± {error}), for få udgaver tæller ({effective} af {members})",
        "{label}: {answer}; log ratio {ratio} (± {error}), too few versions count ({effective} of {members})",
    ),
    "variant_passed": Label("bestået", "passed"),
    "variant_failed": Label("ikke bestået", "failed"),
    "varied": Label("Tabel: {file}", "Table: {file}"),
    "compare_two": Label(
        "skal være mindst to afprøvninger eller kørsler: crksim compare NAVN NAVN",
        "must be two scenarios or runs at least: crksim compare NAME NAME",
    ),
    "compare_mixed": Label(
        "er en afprøvning og står sammen med en færdig kørsel; kør den først, eller nævn afprøvninger alene",
        "is a scenario beside a finished run; run it first, or name scenarios only",
    ),
    "compare_address": Label(
        "kan ikke bruges med compare alene; det hører til en af mulighederne: NAVN:ÆNDRING",
        "cannot be used with compare by itself; it belongs to one of the options: NAME:CHANGE",
    ),
    "compare_change": Label(
        "skal være NAVN:switch.NAVN=true, NAVN:option=NAVN eller NAVN:ADRESSE=VÆRDI",
        "must be NAME:switch.NAME=true, NAME:option=NAME or NAME:ADDRESS=VALUE",
    ),
    "compare_setting": Label(
        "er en indstilling og gælder for alle muligheder; skriv den for sig selv",
        "is a setting and holds for all options; write it as a word of its own",
    ),
    "compare_several": Label(
        "har flere værdier; skriv en mulighed for hver af dem",
        "has several values; write an option for each of them",
    ),
    "compare_multirun": Label(
        "kan ikke bruges med compare; skriv mulighederne efter hinanden: NAVN NAVN:ÆNDRING",
        "cannot be used with compare; write the options one after the other: NAME NAME:CHANGE",
    ),
    "compare_run_changed": Label(
        "er en færdig kørsel og kan ikke ændres; nævn dens afprøvning",
        "is a finished run and cannot be changed; name its scenario",
    ),
    "compare_no_scenario": Label(
        "er ikke en kendt afprøvning (crksim list viser alle)",
        "is not a known scenario (crksim list shows all)",
    ),
    "compare_unknown": Label(
        "er hverken en afprøvning eller en kørsel i outputs/",
        "is neither a scenario nor a run in outputs/",
    ),
    "compare_price": Label(
        "er {kroner} i »{name}«; det, der sammenlignes, skal have én pris",
        "is {kroner} in '{name}'; what is compared must have one price",
    ),
    "compare_settled": Label("ligger fast i færdige kørsler", "is settled in finished runs"),
    "compare_no_reference": Label(
        "de har ingen reference til fælles", "are different: there is no reference that all have"
    ),
    "compare_unchanged": Label(
        "De har ingen reference til fælles; alle sættes mod CRK, som det er, uden ændringer.",
        "They have no reference in common; all are held against CRK as it is, without changes.",
    ),
    "compare_one_world": Label("har kun én verden og ingen reference", "has one world only and no reference"),
    "compare_apart": Label(
        "Ikke sat mod hinanden: {other} og {first} har ikke samme held og reference ({why}); hver står mod sin egen.",
        "Not held against each other: {other} and {first} do not share luck and reference ({why}); each has its own.",
    ),
    "compare_unlike": Label("{what} {other}, ikke {one}", "{what} {other}, not {one}"),
    "unlike_seed": Label("frø", "seed"),
    "unlike_members": Label("antal udgaver", "number of versions"),
    "unlike_futures": Label("fremtider", "futures"),
    "unlike_versions": Label("udgaver fra", "versions of"),
    "unlike_window": Label("målt", "measured"),
    "unlike_reference": Label("sammenlignet med", "compared with"),
    "one_size": Label(
        "kan kun bruges, når én afprøvning køres; her skal alle kørsler have samme størrelse",
        "is for the run of one what-if; here all runs must have one size",
    ),
    "placing": Label(
        "En plads mere, {services} tilbud med faste pladser, mod: {title} ({members} udgaver × {futures} fremtider)",
        "One more place, {services} services with hard places, against: {title} "
        "({members} versions × {futures} futures)",
    ),
    "place_none": Label("har ingen tilbud med faste pladser", "has no service with hard places"),
    "place_line": Label(
        "{place}. {service} ({places} pladser): {starts} forløb om året; {wait} dages ventetid; {ceased} ophørt om "
        "året, {gain} takket være tilbuddet, hvis halvdelen af forskellen er dets; {verdict} (mindst {least} forløb)",
        "{place}. {service} ({places} places): {starts} starts a year; {wait} days of waiting; {ceased} ceased a year, "
        "{gain} thanks to the offer, if half of the gap is its own; {verdict} (at least {least} start)",
    ),
    "place_free": Label(
        "–  {service}: aldrig fuldt optaget i nogen fremtid; en plads mere ændrer intet.",
        "–  {service}: never full in any future; one more place changes nothing.",
    ),
    "place_norm": Label(
        "–  {services}: en norm afviser ingen, så en højere norm giver ingen flere forløb.",
        "–  {services}: a norm turns nobody away, so a higher norm gives no starts.",
    ),
    "reproducing": Label("Kører {run} igen i en midlertidig mappe", "Running {run} again in a temporary folder"),
    "same_file": Label("ens: {file}", "identical: {file}"),
    "reproduced": Label("Ens: alle {files} filer.", "Identical: all {files} files."),
    "not_reproduced": Label(
        "{unlike} af {files} filer er ikke ens. Det, der vides at være anderledes:",
        "{unlike} of {files} files differ. What is known to be different:",
    ),
    "differs_missing": Label("ikke ens: {file}: bliver ikke lavet nu", "differs: {file}: is not made now"),
    "differs_new": Label("ikke ens: {file}: mangler i kørslen", "differs: {file}: is missing in the run"),
    "differs_columns": Label("ikke ens: {file}: andre kolonner ({where})", "differs: {file}: other columns ({where})"),
    "differs_length": Label("ikke ens: {file}: {rows} rækker er nu {of}", "differs: {file}: {rows} rows are now {of}"),
    "differs_rows": Label(
        "ikke ens: {file}: {rows} af {of} rækker, mest {where}: {was} er nu {now}",
        "differs: {file}: {rows} of {of} rows, most {where}: {was} is now {now}",
    ),
    "differs_values": Label(
        "ikke ens: {file}: {rows} værdier, den første {where}: {was} er nu {now}",
        "differs: {file}: {rows} values, the first {where}: {was} is now {now}",
    ),
    "differs_bytes": Label("ikke ens: {file}: andre bytes", "differs: {file}: other bytes"),
    "why_altered": Label(
        "{file} mangler eller er ændret, efter at kørslen skrev den",
        "{file} is missing, or was altered after the run wrote it",
    ),
    "why_version": Label("{package} {was} er nu {now}", "{package} {was} is now {now}"),
    "why_source": Label(
        "crksims kildekode er en anden: mærke {was} er nu {now}",
        "the source of crksim is another: mark {was} is now {now}",
    ),
    "why_git": Label("arbejdskopien stod på {was}, nu på {now}", "the working copy was at {was}, now at {now}"),
    "why_machine": Label("maskinen er en anden: {was} er nu {now}", "the machine is another: {was} is now {now}"),
    "why_system": Label("styresystemet er et andet: {was} er nu {now}", "the system is another: {was} is now {now}"),
    "why_input": Label(
        "modellen er ændret: {address}: {was} er nu {now}", "the model has changed: {address}: {was} is now {now}"
    ),
    "why_more": Label("... og {more} værdier mere", "... and {more} values more"),
    "why_ensemble": Label(
        "udgaverne er andre: mærke {was} er nu {now}", "the versions are others: mark {was} is now {now}"
    ),
    "why_unknown": Label("intet; meld det gerne som en fejl", "nothing; please report that as a defect"),
    "no_manifest": Label(
        "har ingen manifest.json, som en kørsel kan gentages fra; kør afprøvningen igen",
        "has no manifest.json from which a run can be made again; run the what-if again",
    ),
    "other_manifest": Label(
        "er ikke kørslens: run.json siger {known}; manifestet er ændret",
        "is not the run's: run.json says {known}; the manifest was altered",
    ),
}
