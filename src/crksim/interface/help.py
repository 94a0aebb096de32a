"""What `crksim --help` says, in Danish and English."""

from __future__ import annotations

from crksim.interface.texts import say
from crksim.model.network import Label

__all__ = ["HELP", "help_text"]

HELP = Label(
    da="""\
crksim: {tagline}

Kør en afprøvning:
  crksim scenario=youth_groups_3sites              mod dens referencer; rapport i outputs/
  crksim scenario=NAVN services.youth_group_spaniensgade.places.hard=6
  crksim -m scenario=a,b,c [services.x.places.hard=4,6,8]   flere efter hinanden, én sammenligning til sidst

Kommandoer:
  crksim list                  afprøvninger, der kan køres
  crksim show NAVN             hvad en afprøvning ændrer, i almindelige ord
  crksim new NAVN              skriv en ny afprøvning i ./scenarios/ at rette i
  crksim sheet [FIL.xlsx]      skriv et ark til egne tal at begynde fra; med en fil: læs det, I har udfyldt
  crksim evidence [kind=SLAGS] [service=TILBUD]   hvor hvert tal kommer fra
  crksim report MAPPE          skriv en kørsels rapport igen
  crksim solve scenario=NAVN ADRESSE=4..12 target="MÅL <= 7 days"    mindste værdi, der når målet
  crksim sweep scenario=NAVN ADRESSE=4..12 ADRESSE2=times(0.8,1.2)   alle punkter; går videre, hvor den slap
  crksim calibrate             nye udgaver af CRK, der passer med rapporten; går videre, hvor den slap
  crksim validate              hold udgaverne op mod rapporten, og sig, hvad kontrollen er værd
  crksim variants [scenario=NAVN]   andre måder at bygge modellen på: hvad rapporten siger, og hvad de svarer
  crksim attribute scenario=NAVN   hvad hver af ændringerne gør, og hvad de gør sammen
  crksim explain [KØRSEL] [measure=MÅL]   hvad der afgør svaret, og hvad der er værd at tælle
  crksim one_more_place [scenario=NAVN] [worthwhile=1]   hvad en plads mere giver hvor, i rækkefølge
  crksim compare NAVN NAVN:switch.x=true NAVN:option=y:ADRESSE=8 ... [measure=MÅL]   hvad skal vælges
  crksim reproduce [KØRSEL]    kør en kørsel igen, og sig, hvad der er anderledes og hvorfor
  crksim export --paper [KØRSEL] [out=MAPPE]   alt, hvad en artikel om kørslen har brug for, i én mappe
  crksim --help | --version

Indstillinger (navn=værdi):
  members=50    udgaver af CRK              futures=2     fremtider per udgave
  seed=1        samme frø, samme tal        workers=0     processer; 0 er alle
  pool=serial|local|dask                    address=tcp://VÆRT:8786   klyngens adresse, til pool=dask
  lang=da|en    progress=true|false         out=outputs   mappe til kørsler
  window=2019   hvad der måles; 2018..2020  references=without,decided
  stays=true    gem også enkelte forløb     kept=1000     MB resultater at gå videre fra; 0 gemmer ingen
  versions=shipped|none|MAPPE               prior_members=20   udgaver fra før rapportens tal
  precision=auto  flere udgaver og fremtider, til det første mål er afklaret, højst budget=1200 i alt

{not_for}
""",
    en="""\
crksim: {tagline}

Run a what-if:
  crksim scenario=youth_groups_3sites              against its references; report in outputs/
  crksim scenario=NAME services.youth_group_spaniensgade.places.hard=6
  crksim -m scenario=a,b,c [services.x.places.hard=4,6,8]   one after the other, one comparison at the end

Commands:
  crksim list                  scenarios that can be run
  crksim show NAME             what a scenario changes, in plain words
  crksim new NAME              write a new scenario into ./scenarios/ to edit
  crksim sheet [FILE.xlsx]     write a sheet for your own numbers to begin from; with a file: read it
  crksim evidence [kind=KIND] [service=SERVICE]   where every number comes from
  crksim report FOLDER         write the report of a run again
  crksim solve scenario=NAME ADDRESS=4..12 target="MEASURE <= 7 days"   smallest value that reaches it
  crksim sweep scenario=NAME ADDRESS=4..12 ADDRESS2=times(0.8,1.2)   every point; can be cut off and go on
  crksim calibrate             new versions of CRK that agree with the report; goes on where it was cut off
  crksim validate              hold the versions beside the report, and tell what the check is worth
  crksim variants [scenario=NAME]   other ways to build the model: what the report says, and what they answer
  crksim attribute scenario=NAME   what each of the changes does, and what they do together
  crksim explain [RUN] [measure=MEASURE]   what decides the answer, and what is worth counting
  crksim one_more_place [scenario=NAME] [worthwhile=1]   what one more place gives, service by service, ranked
  crksim compare NAME NAME:switch.x=true NAME:option=y:ADDRESS=8 ... [measure=MEASURE]   which one to choose
  crksim reproduce [RUN]       make a run again, and say whether it is identical, or what differs and why
  crksim export --paper [RUN] [out=FOLDER]   everything that a paper on the run needs, in one folder
  crksim --help | --version

Settings (name=value):
  members=50    versions of CRK             futures=2     futures per version
  seed=1        same seed, same numbers     workers=0     processes; 0 is all
  pool=serial|local|dask                    address=tcp://HOST:8786   of the cluster, for pool=dask
  lang=da|en    progress=true|false         out=outputs   folder for runs
  window=2019   span measured; 2018..2020   references=without,decided
  stays=true    keep the single stays too   kept=1000     MB of results to go on from; 0 keeps none
  versions=shipped|none|FOLDER              prior_members=20   versions from before the report's numbers
  precision=auto  more versions and futures until the first measure is settled, at most budget=1200 in all

{not_for}
""",
)


def help_text(lang: str) -> str:
    """Return the help of the command."""
    text: str = getattr(HELP, lang)
    return text.format(tagline=say(lang, "tagline"), not_for=say(lang, "not_for"))
