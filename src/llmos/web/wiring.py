"""Who listens to whom: the only place where an announcement meets its listeners."""

from django.utils.translation import gettext

from llmos.accounts import events as accounts
from llmos.accounts import queries as accounts_queries
from llmos.accounts import taking
from llmos.accounts import tasks as accounts_tasks
from llmos.community.blog import access as blog_access
from llmos.community.blog import events as blog
from llmos.community.blog import queries as blog_queries
from llmos.community.blog import tasks as blog_tasks
from llmos.community.blog.pages import lists as blog_lists
from llmos.community.discussions import actions as discussions_actions
from llmos.community.discussions import queries as discussions_queries
from llmos.community.discussions import tasks as discussions_tasks
from llmos.community.discussions.pages import panels as discussions_panels
from llmos.community.finding import documents as finding_documents
from llmos.community.finding import tasks as finding_tasks
from llmos.community.forum import events as forum
from llmos.community.forum import queries as forum_queries
from llmos.community.forum import taking as forum_taking
from llmos.community.forum import tasks as forum_tasks
from llmos.community.forum.pages import panels as forum_panels
from llmos.community.moderation import events as moderation
from llmos.community.moderation import holds as moderation_holds
from llmos.community.moderation import queries as moderation_queries
from llmos.community.moderation import taking as moderation_taking
from llmos.community.moderation import tasks as moderation_tasks
from llmos.community.moderation.pages import additions as moderation_additions
from llmos.community.notifications import taking as notifications_taking
from llmos.community.notifications import tasks as notifications_tasks
from llmos.community.social import queries as social_queries
from llmos.community.social import tasks as social_tasks
from llmos.community.social.pages import follows as social_follows
from llmos.community.social.pages import home as social_home
from llmos.community.social.pages import profile as social_profile
from llmos.community.threads import access as threads_access
from llmos.community.threads import additions as threads_additions
from llmos.community.threads import cards as threads_cards
from llmos.community.threads import events as threads
from llmos.community.threads import taking as threads_taking
from llmos.community.threads import tasks as threads_tasks
from llmos.community.threads.pages import home as threads_home
from llmos.community.trust import events as trust
from llmos.community.trust import limits
from llmos.community.trust import tasks as trust_tasks
from llmos.community.welcome import tasks as welcome_tasks
from llmos.community.welcome.pages import checklists as welcome_checklists
from llmos.community.welcome.pages import first_tasks as welcome_first_tasks
from llmos.community.welcome.pages import learning as welcome_learning
from llmos.evaluation import api as evaluation_api
from llmos.evaluation import events as evaluation
from llmos.evaluation import tasks as evaluation_tasks
from llmos.evaluation.pages import panels as evaluation_panels
from llmos.hub import additions, telling
from llmos.hub import events as hub
from llmos.hub import queries as hub_queries
from llmos.hub import taking as hub_taking
from llmos.hub import tasks as hub_tasks
from llmos.jobs import events as jobs
from llmos.jobs import taking as jobs_taking
from llmos.jobs.pages import home as jobs_home
from llmos.kit.speaking import speak_with
from llmos.provenance import events as provenance
from llmos.provenance import pages as provenance_pages
from llmos.provenance import tasks as provenance_tasks
from llmos.serving import taking as serving_taking
from llmos.serving import tasks as serving_tasks
from llmos.serving.pages import playground
from llmos.store import search
from llmos.store.events import listen
from llmos.training.pages.offers import offer as training_offer


def connect() -> None:
    """Called once per process, when Django is ready. Panels stand in the order added here."""
    speak_with(gettext)
    _hub()
    _learning()
    _discussions()
    _lineage()
    _find()
    _welcome()
    _blog()
    _keep_order()
    _let_go()
    _forum()
    _social()
    _tell_members()


def _hub() -> None:
    """What the hub itself does after a change."""
    listen(hub.RefUpdated, hub_tasks.on_ref_updated)
    listen(hub.RepositoryCreated, hub_tasks.on_repository_changed)
    listen(hub.RepositoryChanged, hub_tasks.on_repository_changed)
    listen(hub.RepositoryDeleted, hub_tasks.on_repository_deleted)
    accounts_queries.provide_facts(hub_queries.overview_facts)
    search.provide(hub_queries.search_documents)


def _learning() -> None:
    """Runs, scores and engines beside the repositories that they are about."""
    listen(hub.RepositoryDeleted, serving_tasks.on_repository_deleted)
    listen(hub.RefUpdated, evaluation_tasks.on_ref_updated)
    listen(jobs.JobEnded, evaluation_tasks.on_job_ended)
    additions.add_panel("aside", playground.panel)
    additions.add_panel("main", evaluation_panels.scores)
    additions.add_panel("aside", evaluation_panels.benchmark)
    additions.add_property("evalResults", evaluation_api.eval_results)
    additions.add_panel("aside", welcome_learning.panel)
    additions.add_panel("aside", training_offer)
    additions.add_home_panel("aside", jobs_home.now_running)


def _discussions() -> None:
    """Talk about repositories, and the conversation of change requests."""
    telling.tell_of_changes(discussions_actions.begin_for_change, discussions_actions.note_change)
    listen(hub.ChangeRequestChanged, discussions_tasks.on_change_request_changed)
    listen(hub.RefUpdated, discussions_tasks.on_ref_updated)
    listen(hub.RepositoryChanged, discussions_tasks.on_repository_changed)
    additions.add_tab(discussions_panels.tab)
    additions.add_panel("commit", discussions_panels.contributing)
    finding_documents.provide_facts("discussion", discussions_queries.facts_for_search)


def _lineage() -> None:
    """What was made from what, and what that means for those who change a source."""
    listen(hub.RefUpdated, provenance_tasks.on_ref_updated)
    listen(hub.RepositoryChanged, provenance_tasks.on_repository_changed)
    listen(hub.RepositoryDeleted, provenance_tasks.on_repository_deleted)
    listen(provenance.ActivityRecorded, provenance_tasks.on_activity_recorded)
    additions.add_tab(provenance_pages.tab)
    additions.add_panel("above", provenance_pages.strip)
    additions.add_panel("aside", provenance_pages.made_from)
    additions.add_panel("aside", provenance_pages.used_for)
    additions.add_panel("aside", discussions_panels.talk)
    additions.add_panel("settings", provenance_pages.warning)
    additions.add_panel("commit", provenance_pages.warning)


def _find() -> None:
    """Posts in the search index."""
    search.provide(finding_documents.search_documents)
    additions.add_home_panel("main", threads_home.talked_about)
    listen(threads.PostWritten, finding_tasks.on_post)
    listen(threads.PostChanged, finding_tasks.on_post)
    listen(threads.ThreadChanged, finding_tasks.on_thread)


def _welcome() -> None:
    """First tasks that a merge or a push finishes, and where newcomers are led on."""
    listen(hub.RefUpdated, welcome_tasks.on_ref_updated)
    listen(hub.ChangeRequestChanged, welcome_tasks.on_change_request)
    additions.add_home_panel("aside", welcome_checklists.home_panel)
    additions.add_panel("aside", welcome_first_tasks.panel)


def _blog() -> None:
    """Articles: published by push, told of when their time comes, credited to their authors."""
    threads_access.keep("article", blog_access.KEEPING)
    listen(hub.RefUpdated, blog_tasks.on_ref_updated)
    listen(hub.RepositoryChanged, blog_tasks.on_repository_changed)
    listen(blog.ArticleScheduled, blog_tasks.on_article_scheduled)
    listen(threads.ThreadOpened, blog_tasks.on_thread_opened)
    listen(threads.PostChanged, blog_tasks.on_post_changed)
    finding_documents.provide_facts("article", blog_queries.facts_for_search)
    additions.add_profile_panel("aside", blog_lists.on_profile)


def _keep_order() -> None:
    """What holds back, limits and decides about what members write."""
    listen(threads.PostHeld, moderation_tasks.on_post_held)
    listen(threads.PostChanged, moderation_tasks.on_post_changed)
    listen(trust.KeptApart, moderation_tasks.on_kept_apart)
    threads_cards.add_own_cards()
    threads_additions.add_post_check(moderation_holds.refuse_mentions)
    threads_additions.add_post_check(moderation_holds.reason_to_hold)
    threads_additions.add_to_post_menu(moderation_additions.post_menu)
    threads_additions.add_thread_panel(moderation_additions.silence_notice)
    additions.add_home_panel("aside", moderation_additions.waiting)
    additions.add_beside(moderation_additions.profile_deeds)
    additions.add_profile_panel("facts", moderation_additions.profile_level)
    additions.add_profile_panel("aside", moderation_additions.profile_way_up)
    limits.provide_times("thread", moderation_queries.threads_by)
    limits.provide_times("post", moderation_queries.posts_by)
    limits.provide_times("edit", moderation_queries.edits_by)
    limits.provide_times("reaction", moderation_queries.reactions_by)
    limits.provide_times("attachment", moderation_queries.attachments_by)
    limits.provide_times("report", moderation_queries.reports_by)


def _forum() -> None:
    """What the forum makes of threads, and what it adds to their posts."""
    listen(threads.ThreadOpened, forum_tasks.on_topic_opened)
    listen(threads.ThreadChanged, forum_tasks.on_topic_changed)
    listen(threads.PostWritten, forum_tasks.on_post)
    listen(threads.PostChanged, forum_tasks.on_post)
    listen(threads.Reacted, forum_tasks.on_post)
    listen(forum.AnswerAccepted, forum_tasks.on_answer_accepted)
    listen(forum.AnswerWithdrawn, forum_tasks.on_answer_withdrawn)
    threads_access.find_moved_posts(forum_queries.former_place)
    threads_additions.add_post_panel(forum_panels.answer)
    threads_additions.add_post_panel(forum_panels.polls)
    threads_additions.add_post_control(forum_panels.controls)
    threads_additions.add_to_post_menu(forum_panels.menu)
    finding_documents.provide_facts("topic", forum_queries.facts_for_search)


def _social() -> None:
    """What feeds tell of, who is credited for it, and where it is shown."""
    listen(hub.RepositoryCreated, social_tasks.on_repository_created)
    listen(hub.RepositoryChanged, social_tasks.on_repository_changed)
    listen(hub.RefUpdated, social_tasks.on_ref_updated)
    listen(hub.RepositoryLiked, social_tasks.on_repository_liked)
    listen(hub.ChangeRequestChanged, social_tasks.on_change_request_changed)
    listen(provenance.ActivityRecorded, social_tasks.on_activity_recorded)
    listen(evaluation.ResultRecorded, social_tasks.on_result_recorded)
    listen(threads.ThreadOpened, social_tasks.on_thread_opened)
    listen(threads.ThreadChanged, social_tasks.on_thread_changed)
    listen(threads.Reacted, social_tasks.on_reacted)
    listen(forum.AnswerAccepted, social_tasks.on_answer_accepted)
    listen(forum.AnswerWithdrawn, social_tasks.on_answer_withdrawn)
    accounts_queries.provide_facts(social_queries.overview_facts)
    additions.add_beside(social_follows.button)
    additions.add_profile_panel("facts", social_profile.facts)
    additions.add_profile_panel("aside", social_profile.given)
    additions.add_profile_panel("aside", social_profile.lately)
    additions.add_home_panel("aside", social_home.news)


def _let_go() -> None:
    """What members take along, and what becomes of the rest when they leave."""
    for room in (hub_taking, jobs_taking, threads_taking, moderation_taking, forum_taking):
        taking.provide_export(room.export)
        taking.provide_farewell(room.FAREWELL)
    taking.provide_export(serving_taking.export)
    taking.provide_export(notifications_taking.export)


def _tell_members() -> None:
    """What members are told of. Who hears it and how, notifications know."""
    told = notifications_tasks
    listen(threads.PostWritten, told.on_post_written)
    listen(threads.PostChanged, told.on_post_changed)
    listen(threads.Reacted, told.on_reacted)
    listen(threads.Followed, told.on_followed)
    listen(forum.AnswerAccepted, told.on_answer_accepted)
    listen(forum.AnswerWithdrawn, told.on_answer_withdrawn)
    listen(forum.QuestionRouted, told.on_question_routed)
    listen(forum.PollClosed, told.on_poll_closed)
    listen(trust.LevelChanged, told.on_level_changed)
    listen(moderation.PostDecided, told.on_post_decided)
    listen(moderation.CaseClosed, told.on_case_closed)
    listen(moderation.MemberDecided, told.on_member_decided)
    listen(moderation.RepositoryDecided, told.on_repository_decided)
    listen(blog.CoauthorInvited, told.on_coauthor_invited)
    listen(blog.FileRefused, told.on_file_refused)
    listen(hub.RefUpdated, told.on_ref_updated)
    listen(hub.ChangeRequestOpened, told.on_change_opened)
    listen(hub.ChangeRequestChanged, told.on_change_changed)
    listen(hub.AccessAsked, told.on_access_asked)
    listen(jobs.JobEnded, told.on_job_ended)
    listen(accounts.MemberLeft, told.on_member_left)


def begin_serving() -> None:
    """Called when the web process starts: what the one before it may have left undone."""
    hub_tasks.begin_serving()


def begin_work() -> None:
    """Called when the worker starts: what each room owes then."""
    hub_tasks.begin()
    provenance_tasks.begin()
    evaluation_tasks.begin()
    blog_tasks.begin()
    accounts_tasks.begin()
    trust_tasks.begin()
    threads_tasks.begin()
    forum_tasks.begin()
    notifications_tasks.begin()
